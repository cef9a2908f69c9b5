// node-redis 5 and 6 and ioredis with their default settings against the store in MAQUETTE_STORE.
import assert from "node:assert/strict";
import { test } from "node:test";
import Redis from "ioredis";
import * as redis6 from "redis";
import * as redis5 from "redis5";

const address = process.env.MAQUETTE_STORE;

for (const [version, { createClient, WatchError }] of [[5, redis5], [6, redis6]]) {
  test(`node-redis ${version}`, async () => {
    const client = await createClient({ url: `redis://${address}` }).connect();
    try {
      assert.equal(await client.set("node/a", "1", { EX: 60 }), "OK");
      assert.equal(await client.ttl("node/a"), 60);
      assert.equal(await client.get("node/a"), "1");
      assert.equal(await client.get("node/none"), null);
      assert.equal(await client.set("node/a", "2", { NX: true }), null);
      await client.mSet({ "node/b": "2", "node/c": "3" });
      assert.deepEqual(await client.mGet(["node/a", "node/none", "node/c"]), ["1", null, "3"]);
      const found = [];
      for await (const keys of client.scanIterator({ MATCH: "node/*", TYPE: "string" })) found.push(...keys);
      assert.deepEqual(found.sort(), ["node/a", "node/b", "node/c"]);
      assert.deepEqual(await client.multi().set("node/a", "3").get("node/a").exec(), ["OK", "3"]);
      await client.watch("node/a");
      const other = await client.duplicate().connect();
      await other.set("node/a", "4");
      other.destroy();
      await assert.rejects(client.multi().set("node/a", "5").exec(), WatchError);
      assert.equal(await client.del(["node/a", "node/b", "node/c"]), 3);
      await assert.rejects(client.hSet("node/hash", "field", "value"), /unknown command/);
    } finally {
      client.destroy();
    }
  });

  test(`node-redis ${version} with RESP3`, async () => {
    const client = await createClient({ url: `redis://${address}`, RESP: 3 }).connect();
    try {
      await client.set("node/resp3", "1");
      assert.equal(await client.get("node/resp3"), "1");
      assert.equal(await client.del("node/resp3"), 1);
      assert.equal(await client.get("node/none"), null);
    } finally {
      client.destroy();
    }
  });
}

test("ioredis", async () => {
  const client = new Redis(`redis://${address}`);
  try {
    assert.equal(await client.set("io/a", "1", "EX", 60), "OK");
    assert.equal(await client.ttl("io/a"), 60);
    assert.equal(await client.get("io/none"), null);
    assert.deepEqual(await client.multi().set("io/a", "2").get("io/a").exec(), [[null, "OK"], [null, "2"]]);
    assert.equal(await client.del("io/a"), 1);
  } finally {
    client.disconnect();
  }
});
