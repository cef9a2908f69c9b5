import io.lettuce.core.RedisClient;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.SetArgs;
import java.util.List;
import java.util.Objects;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.SetParams;

/** Jedis and Lettuce with their default settings; ends with an exception at the first difference. */
public final class Clients {
    public static void main(String[] args) {
        String address = System.getenv("MAQUETTE_STORE");
        String host = address.substring(0, address.lastIndexOf(':'));
        int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
        jedis(host, port);
        lettuce(host, port);
    }

    private static void jedis(String host, int port) {
        try (Jedis jedis = new Jedis(host, port)) {
            expect("OK", jedis.set("jedis/a", "1", SetParams.setParams().ex(60)));
            expect(60L, jedis.ttl("jedis/a"));
            expect("1", jedis.get("jedis/a"));
            expect(null, jedis.get("jedis/none"));
            expect("OK", jedis.mset("jedis/b", "2", "jedis/c", "3"));
            expect(3, jedis.keys("jedis/*").size());
            jedis.watch("jedis/a");
            var transaction = jedis.multi();
            transaction.set("jedis/a", "2");
            var read = transaction.get("jedis/a");
            transaction.exec();
            expect("2", read.get());
            expect(3L, jedis.del("jedis/a", "jedis/b", "jedis/c"));
        }
        System.out.println("Jedis works");
    }

    private static void lettuce(String host, int port) {
        RedisClient client = RedisClient.create("redis://" + host + ":" + port);
        try (var connection = client.connect()) {
            var redis = connection.sync();
            expect("OK", redis.set("lettuce/a", "1", SetArgs.Builder.ex(60)));
            expect(60L, redis.ttl("lettuce/a"));
            expect("1", redis.get("lettuce/a"));
            expect(null, redis.get("lettuce/none"));
            expect(List.of("lettuce/a"), redis.scan(ScanArgs.Builder.matches("lettuce/*").limit(1000)).getKeys());
            redis.multi();
            redis.set("lettuce/a", "2");
            redis.get("lettuce/a");
            expect("2", redis.exec().get(1));
            expect(1L, redis.del("lettuce/a"));
        } finally {
            client.shutdown();
        }
        System.out.println("Lettuce works");
    }

    private static void expect(Object wanted, Object got) {
        if (!Objects.equals(wanted, got)) {
            throw new AssertionError("got " + got + ", want " + wanted);
        }
    }
}
