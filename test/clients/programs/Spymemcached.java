// spymemcached (Java): text and binary; merges gets, fetches many keys with GETQ and NOOP.
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import net.spy.memcached.CASResponse;
import net.spy.memcached.CASValue;
import net.spy.memcached.ConnectionFactoryBuilder;
import net.spy.memcached.FailureMode;
import net.spy.memcached.MemcachedClient;

public class Spymemcached {
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    static MemcachedClient clientOf(String at, String dialect) throws Exception {
        String[] parts = at.split(":");
        ConnectionFactoryBuilder builder = new ConnectionFactoryBuilder()
            .setProtocol(dialect.equals("binary") ? ConnectionFactoryBuilder.Protocol.BINARY
                                                  : ConnectionFactoryBuilder.Protocol.TEXT)
            .setDaemon(true).setOpTimeout(2000).setMaxReconnectDelay(1)
            .setFailureMode(FailureMode.Retry);
        InetSocketAddress address = new InetSocketAddress(parts[0], Integer.parseInt(parts[1]));
        return new MemcachedClient(builder.build(), Collections.singletonList(address));
    }

    static void check(String what, Object found, Object wanted) {
        if (found == null ? wanted == null : found.equals(wanted)) return;
        System.err.printf("%s: %.500s instead of %.500s%n", what, found, wanted);
        System.exit(1);
    }

    static void eventually(String what, Callable<Object> find, Object wanted) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            Object found = find.call();
            if (found == null ? wanted == null : found.equals(wanted)) return;
            if (System.nanoTime() > deadline) check(what + " on the other node", found, wanted);
            Thread.sleep(5);
        }
    }

    static void storing(MemcachedClient client, String p) throws Exception {
        check("set", client.set(p + "text", 100, "wert").get(), true);
        check("get", client.get(p + "text"), "wert");
        check("set a list", client.set(p + "list", 0, new java.util.ArrayList<>(
            Arrays.asList(1, 2, 3))).get(), true);
        check("get it", client.get(p + "list"), Arrays.asList(1, 2, 3));
        check("set, compressed", client.set(p + "big", 0, "x".repeat(500000)).get(), true);
        check("add what is there", client.add(p + "text", 0, "x").get(), false);
        check("add", client.add(p + "new", 0, "n").get(), true);
        check("replace", client.replace(p + "new", 0, "middle").get(), true);
        check("replace nothing", client.replace(p + "absent", 0, "x").get(), false);
        check("append", client.append(p + "new", "-end").get(), true);
        check("prepend", client.prepend(p + "new", "start-").get(), true);
        check("get all", client.get(p + "new"), "start-middle-end");
        Map<String, Object> many = client.getBulk(p + "text", p + "new", p + "absent");
        check("getBulk", many.size(), 2);
    }

    static void comparing(MemcachedClient client, String p, boolean binary) throws Exception {
        CASValue<Object> held = client.gets(p + "new");
        check("cas", client.cas(p + "new", held.getCas(), "swapped"), CASResponse.OK);
        check("cas again", client.cas(p + "new", held.getCas(), "x"), CASResponse.EXISTS);
        check("cas of nothing", client.cas(p + "absent", 5, "x"), CASResponse.NOT_FOUND);
        check("set a number", client.set(p + "n", 0, "9").get(), true);
        check("incr", client.incr(p + "n", 5), 14L);
        check("decr", client.decr(p + "n", 100), 0L);
        check("incr of nothing", client.incr(p + "absent", 1), -1L);
        // In text it asks, and then adds.
        check("incr creates", client.incr(p + "created", 1, 5, 100), 5L);
        check("incr what it created", client.incr(p + "created", 2, 5, 100), 7L);
        check("touch", client.touch(p + "text", 100).get(), true);
        if (binary) {
            check("getAndTouch", client.getAndTouch(p + "text", 100).getValue(), "wert");
        }
    }

    static void everything(String dialect, String p, String here, String there) throws Exception {
        MemcachedClient client = clientOf(here, dialect);
        MemcachedClient other = clientOf(there, dialect);
        storing(client, p);
        comparing(client, p, dialect.equals("binary"));
        eventually("cas", () -> other.get(p + "new"), "swapped");
        eventually("a created counter", () -> other.incr(p + "created", 0), 7L);
        eventually("a compressed value", () -> other.get(p + "big"), "x".repeat(500000));
        check("delete", client.delete(p + "new").get(), true);
        check("delete of nothing", client.delete(p + "new").get(), false);
        eventually("a delete", () -> other.get(p + "new"), null);
        for (int n = 0; n < 200; ++n) client.set(p + "many" + n, 0, "v" + n);
        eventually("sets without waiting", () -> other.get(p + "many199"), "v199");
        String version = client.getVersions().values().iterator().next();
        check("getVersions", version.startsWith("1.6."), true);
        check("getStats", client.getStats().values().iterator().next().containsKey("cmd_get"), true);
        check("getStats settings",
              client.getStats("settings").values().iterator().next().containsKey("maxbytes"), true);
        check("flush", client.flush().get(), true);
        check("get after flush", client.get(p + "text"), null);
        eventually("a flush", () -> other.get(p + "text"), null);
        client.shutdown(1, TimeUnit.SECONDS);
    }

    static void inALoop(String dialect, String p, String at, double seconds) throws Exception {
        MemcachedClient client = clientOf(at, dialect);
        long end = System.nanoTime() + (long) (seconds * 1e9);
        for (int number = 0; System.nanoTime() < end; ++number) {
            String key = p + "-" + number;
            try {
                boolean good = client.set(key, 0, key).get(2, TimeUnit.SECONDS)
                    && key.equals(client.get(key));
                System.out.println(good ? "ok " + key : "no it said so");
            } catch (Exception e) {
                System.out.println("no " + e.getClass().getSimpleName());
            }
            Thread.sleep(10);
        }
    }

    static void count(String dialect, String p, String at, int times) throws Exception {
        MemcachedClient client = clientOf(at, dialect);
        client.add(p, 0, "0").get(2, TimeUnit.SECONDS);
        long last = 0;
        for (int n = 0; n < times; ++n) {
            long number = client.incr(p, 1);
            check("a higher number", number > last, true);
            last = number;
        }
    }

    public static void main(String[] words) throws Exception {
        System.setProperty("net.spy.log.LoggerImpl", "net.spy.memcached.compat.log.SunLogger");
        java.util.logging.Logger.getLogger("net.spy.memcached")
            .setLevel(java.util.logging.Level.OFF);
        if (words[0].equals("everything")) everything(words[1], words[2], words[3], words[4]);
        else if (words[0].equals("count"))
            count(words[1], words[2], words[3], Integer.parseInt(words[4]));
        else inALoop(words[1], words[2], words[3], Double.parseDouble(words[4]));
        System.out.println("done");
        System.exit(0);
    }
}
