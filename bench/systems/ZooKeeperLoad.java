// Loads a ZooKeeper ensemble through its own Java client, and prints one line of figures per run.
// Compiled and started by zookeeper.ts. A call that fails is an error and no operation.
//
// Arguments: HOSTS OPERATION PAYLOAD_BYTES CLIENTS IN_FLIGHT WARM_UP_SECONDS SECONDS RUNS CALLS_MAX
// HOSTS are separated by commas, one for each client in turn. IN_FLIGHT is per client; 1 means
// blocking calls. OPERATION is set, get or create; or fill, which creates CALLS_MAX nodes to stay;
// or gaps, which sets one node again and again for SECONDS, at whatever server can be reached, and
// prints a line for each time that this took long: when it was answered, since the epoch, and how
// long it took.

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

public final class ZooKeeperLoad {
    private static final int KEYS = 1000;
    private static final int NODES_PER_PARENT = 1000;
    private static final int SESSION_TIMEOUT_MS = 30_000;
    private static final double GAP_MS = 20;
    private static final String TOP = "/load";

    private final String operation;
    private final byte[] data;
    private final int inFlight;
    private final ZooKeeper[] clients;

    private ZooKeeperLoad(
            String[] hosts, String operation, int payloadBytes, int count, int inFlight)
            throws Exception {
        this.operation = operation;
        this.data = new byte[payloadBytes];
        java.util.Arrays.fill(data, (byte) 'x');
        this.inFlight = inFlight;
        this.clients = new ZooKeeper[count];
        for (int at = 0; at < count; at++) clients[at] = connect(hosts[at % hosts.length]);
    }

    public static void main(String[] args) throws Exception {
        String[] hosts = args[0].split(",");
        double warmUpSeconds = Double.parseDouble(args[5]);
        double seconds = Double.parseDouble(args[6]);
        if (args[1].equals("gaps")) {
            watchForGaps(args[0], seconds);
            System.exit(0);
        }
        int runs = Integer.parseInt(args[7]);
        long callsMax = Long.parseLong(args[8]);
        ZooKeeperLoad load = new ZooKeeperLoad(
                hosts, args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3]),
                Integer.parseInt(args[4]));
        load.prepare();
        for (int run = warmUpSeconds > 0 ? 0 : 1; run <= runs; run++) {
            String figures = load.run(run, run == 0 ? warmUpSeconds : seconds, callsMax);
            System.out.println((run == 0 ? "warm-up" : "run") + "\t" + figures);
        }
        for (ZooKeeper client : load.clients) client.close();
        System.exit(0);
    }

    private boolean creates() {
        return operation.equals("create") || operation.equals("fill");
    }

    private static ZooKeeper connect(String host) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client = new ZooKeeper(host, SESSION_TIMEOUT_MS, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
        });
        if (!connected.await(SESSION_TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("cannot connect to " + host);
        }
        return client;
    }

    /** One write after the other; what a lost server fails is tried again, as applications must. */
    private static void watchForGaps(String hosts, double seconds) throws Exception {
        ZooKeeper client = connect(hosts);
        make(client, TOP, new byte[0]);
        long endAt = System.nanoTime() + (long) (seconds * 1e9);
        long answeredAt = System.nanoTime();
        while (answeredAt < endAt) {
            try {
                client.setData(TOP, new byte[0], -1);
            } catch (KeeperException.ConnectionLossException lost) {
                continue;
            }
            double tookMs = (System.nanoTime() - answeredAt) / 1e6;
            answeredAt = System.nanoTime();
            if (tookMs > GAP_MS) System.out.println(System.currentTimeMillis() + "\t" + tookMs);
        }
        client.close();
    }

    /** The nodes that are set and read; every client then waits until its server has them. */
    private void prepare() throws Exception {
        make(clients[0], TOP, new byte[0]);
        for (int at = 0; !creates() && at < KEYS; at++) make(clients[0], TOP + "/key-" + at, data);
        for (ZooKeeper client : clients) {
            CountDownLatch synced = new CountDownLatch(1);
            client.sync(TOP, (code, path, context) -> synced.countDown(), null);
            synced.await();
        }
    }

    private static void make(ZooKeeper client, String path, byte[] bytes) throws Exception {
        try {
            client.create(path, bytes, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        } catch (KeeperException.NodeExistsException there) {
            client.setData(path, bytes, -1);
        }
    }

    private String run(int number, double seconds, long callsMax) throws Exception {
        long startedAt = System.nanoTime();
        long endAt = seconds > 1e9 ? Long.MAX_VALUE : startedAt + (long) (seconds * 1e9);
        Loop[] loops = new Loop[clients.length];
        Thread[] threads = new Thread[clients.length];
        for (int at = 0; at < clients.length; at++) {
            String place = TOP + "/run-" + System.nanoTime() + "-" + number + "-" + at;
            loops[at] = new Loop(clients[at], place, endAt, callsMax / clients.length);
            threads[at] = new Thread(loops[at]);
        }
        for (Thread thread : threads) thread.start();
        for (Thread thread : threads) thread.join();
        double tookSeconds = (System.nanoTime() - startedAt) / 1e9;
        Latencies all = new Latencies();
        long errors = 0;
        for (Loop loop : loops) {
            all.add(loop.latencies);
            errors += loop.errors;
            if (operation.equals("create")) loop.deleteAll();
        }
        return String.format(java.util.Locale.ROOT, "%d\t%d\t%.6f\t%.1f\t%.1f\t%.1f\t%.1f",
                all.count, errors, tookSeconds, all.percentileUs(0.5), all.percentileUs(0.99),
                all.percentileUs(0.999), all.percentileUs(1));
    }

    /** One client's calls in one run. */
    private final class Loop implements Runnable {
        final Latencies latencies = new Latencies();
        /** Written by the client's event thread; read when all calls are answered. */
        volatile long errors;
        private final ZooKeeper client;
        private final String place;
        private final long endAt;
        private final long callsMax;
        private final Semaphore room = new Semaphore(inFlight);
        private long next;

        Loop(ZooKeeper client, String place, long endAt, long callsMax) {
            this.client = client;
            this.place = place;
            this.endAt = endAt;
            this.callsMax = callsMax;
        }

        @Override
        public void run() {
            try {
                if (creates()) make(client, place, new byte[0]);
                while (System.nanoTime() < endAt && next < callsMax) {
                    room.acquire();
                    if (inFlight == 1) callAndWait(next++);
                    else start(next++);
                }
                room.acquire(inFlight);
            } catch (Exception failure) {
                throw new IllegalStateException(failure);
            }
        }

        private void start(long at) {
            long startedAt = System.nanoTime();
            String path = pathOf(at);
            if (operation.equals("set")) {
                client.setData(path, data, -1,
                        (code, p, context, stat) -> answered(code, startedAt), null);
            } else if (operation.equals("get")) {
                client.getData(path, false, (code, p, context, bytes, stat) -> {
                    boolean right = bytes != null && bytes.length == data.length;
                    answered(right ? code : -1, startedAt);
                }, null);
            } else {
                // A session is first in, first out: the parent is there before its children.
                if (at % NODES_PER_PARENT == 0) create(parentOf(at), new byte[0], code -> {});
                create(path, data, code -> answered(code, startedAt));
            }
        }

        private void create(String path, byte[] bytes, java.util.function.IntConsumer then) {
            client.create(path, bytes, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT,
                    (code, p, context, name) -> then.accept(code), null);
        }

        private void callAndWait(long at) throws InterruptedException {
            long startedAt = System.nanoTime();
            int code = 0;
            try {
                if (operation.equals("set")) client.setData(pathOf(at), data, -1);
                else if (client.getData(pathOf(at), false, null).length != data.length) code = -1;
            } catch (KeeperException failure) {
                code = failure.code().intValue();
            }
            answered(code, startedAt);
        }

        private void answered(int code, long startedAt) {
            if (code == 0) latencies.add(System.nanoTime() - startedAt);
            else errors++;
            room.release();
        }

        private String pathOf(long at) {
            return creates() ? parentOf(at) + "/node-" + at : TOP + "/key-" + at % KEYS;
        }

        private String parentOf(long at) {
            return place + "/group-" + at / NODES_PER_PARENT;
        }

        /** Not measured: what a run has created would make the next one's servers larger. */
        void deleteAll() throws InterruptedException {
            Semaphore deleting = new Semaphore(1000);
            for (long at = 0; at < next; at++) delete(pathOf(at), deleting);
            for (long at = 0; at < next; at += NODES_PER_PARENT) delete(parentOf(at), deleting);
            deleting.acquire(1000);
        }

        private void delete(String path, Semaphore deleting) throws InterruptedException {
            deleting.acquire();
            client.delete(path, -1, (code, p, context) -> deleting.release(), null);
        }
    }

    /** A histogram with three digits, in tenths of microseconds. Of one thread at a time. */
    private static final class Latencies {
        private static final int DIGIT_BITS = 10;
        private final long[] counts = new long[32 << DIGIT_BITS];
        long count;

        void add(long nanoseconds) {
            long value = nanoseconds / 100;
            int shift = Math.max(0, 63 - Long.numberOfLeadingZeros(value) - DIGIT_BITS);
            counts[(shift << DIGIT_BITS) + (int) (value >>> shift)]++;
            count++;
        }

        void add(Latencies other) {
            for (int at = 0; at < counts.length; at++) counts[at] += other.counts[at];
            count += other.count;
        }

        double percentileUs(double share) {
            long rank = Math.max(1, (long) Math.ceil(count * share));
            long seen = 0;
            for (int at = 0; at < counts.length; at++) {
                seen += counts[at];
                if (seen < rank) continue;
                int shift = Math.max(0, (at >> DIGIT_BITS) - 1);
                return ((long) (at - (shift << DIGIT_BITS)) << shift) / 10.0;
            }
            return 0;
        }
    }
}
