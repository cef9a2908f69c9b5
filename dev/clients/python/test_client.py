"""redis-py and its asyncio client, with their default settings, against the store in MAQUETTE_STORE."""

import asyncio
import os
import unittest

import redis
import redis.asyncio

HOST, PORT = os.environ["MAQUETTE_STORE"].rsplit(":", 1)


class Client(unittest.TestCase):
    def setUp(self):
        self.redis = redis.Redis(HOST, int(PORT), decode_responses=True)

    def tearDown(self):
        self.redis.close()

    def test_commands(self):
        r = self.redis
        self.assertTrue(r.set("py/a", "1", ex=60))
        self.assertEqual(r.ttl("py/a"), 60)
        self.assertEqual(r.get("py/a"), "1")
        self.assertIsNone(r.get("py/none"))
        self.assertIsNone(r.set("py/a", "2", nx=True))
        self.assertEqual(r.set("py/a", "3", get=True, keepttl=True), "1")
        self.assertTrue(r.mset({"py/b": "2", "py/c": "3"}))
        self.assertEqual(r.mget("py/a", "py/none", "py/c"), ["3", None, "3"])
        self.assertTrue(r.expire("py/b", 100))
        self.assertTrue(r.persist("py/b"))
        self.assertTrue(r.setex("py/d", 10, "x"))
        self.assertEqual(sorted(r.scan_iter("py/?", _type="string")), ["py/a", "py/b", "py/c", "py/d"])
        self.assertEqual(sorted(r.keys("py/[ab]")), ["py/a", "py/b"])
        self.assertEqual(r.type("py/a"), "string")
        self.assertEqual(r.delete("py/a", "py/b", "py/c", "py/d", "py/none"), 4)
        self.assertIn("redis_version", r.info())
        self.assertTrue(r.client_setname("me"))
        self.assertEqual(r.client_getname(), "me")
        self.assertGreater(r.client_id(), 0)
        self.assertEqual(r.client_info()["name"], "me")

    def test_transactions(self):
        with self.redis.pipeline() as pipe:
            self.assertEqual(pipe.set("py/tx", "1").get("py/tx").execute(), [True, "1"])
        with self.redis.pipeline() as pipe:
            pipe.watch("py/tx")
            self.redis.set("py/tx", "2")
            pipe.multi()
            pipe.set("py/tx", "3")
            with self.assertRaises(redis.WatchError):
                pipe.execute()
        self.assertEqual(self.redis.get("py/tx"), "2")

    def test_errors(self):
        with self.assertRaisesRegex(redis.ResponseError, "unknown command"):
            self.redis.hset("py/hash", "field", "value")
        with self.assertRaisesRegex(redis.ResponseError, "DB index is out of range"):
            redis.Redis(HOST, int(PORT), db=1).ping()

    def test_both_protocols(self):
        for protocol in (2, 3):
            with redis.Redis(HOST, int(PORT), protocol=protocol) as r:
                self.assertTrue(r.set("py/protocol", "x"))
                self.assertEqual(r.get("py/protocol"), b"x")
                self.assertIsNone(r.get("py/none"))

    def test_asyncio(self):
        async def run():
            async with redis.asyncio.Redis(host=HOST, port=int(PORT)) as r:
                await r.set("py/async", "1", px=60_000)
                self.assertEqual(await r.get("py/async"), b"1")

        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
