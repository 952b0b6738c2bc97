import java.nio.file.Files;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Kafka Streams: exact distinct users per minute of a topic, from its beginning to the end it has at
 * the start.
 *
 * <p>As fast as such a program can plausibly be: the Processor API and no DSL, a hash set for each
 * window in memory and no state store, a scan of the bytes that stops once it has both fields and no
 * JSON library, no commit on the way. As in a program one would run, Streams balances its tasks over
 * its threads; a thread's sets are its own, and are united at the end.
 *
 * <p>stderr: the time from the first record to the last result, and that since the JVM's start.
 */
public final class DistinctUsers {
    /** The users of each minute, one such map a stream thread: nothing is shared while it runs. */
    private static final Map<Thread, Map<Long, Set<String>>> USERS = new ConcurrentHashMap<>();

    private static final AtomicLong FIRST_RECORD_NS = new AtomicLong();

    public static void main(String[] args) throws Exception {
        String brokers = args[0];
        String topic = args[1];
        int threadsMax = Integer.getInteger("threads", 2);

        Map<Integer, Long> ends = ends(brokers, topic);
        CountDownLatch unread = new CountDownLatch(ends.size());
        Topology topology = new Topology();
        topology.addSource("frames", topic);
        topology.addProcessor("users", () -> new Users(ends, unread), "frames");

        KafkaStreams streams = new KafkaStreams(topology, settings(brokers, Math.min(threadsMax, ends.size())));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        unread.await();

        StringBuilder lines = new StringBuilder();
        united().forEach((minute, users) ->
                lines.append("{\"ts\":").append(minute).append(",\"cnt\":").append(users.size()).append("}\n"));
        System.out.print(lines);
        System.out.flush();

        long firstToLastNs = System.nanoTime() - FIRST_RECORD_NS.get();
        long sinceStartMs = System.currentTimeMillis() - ProcessHandle.current().info().startInstant().get().toEpochMilli();
        System.err.printf("first record to last result: %.3f s%nsince start: %.3f s%n", firstToLastNs / 1e9, sinceStartMs / 1e3);
        streams.close();
    }

    /** The end offset of each partition that is not empty. */
    private static Map<Integer, Long> ends(String brokers, String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
            var partitions = admin.describeTopics(Set.of(topic)).topicNameValues().get(topic).get().partitions();
            var from = new HashMap<TopicPartition, OffsetSpec>();
            partitions.forEach(p -> from.put(new TopicPartition(topic, p.partition()), OffsetSpec.earliest()));
            var until = new HashMap<TopicPartition, OffsetSpec>();
            partitions.forEach(p -> until.put(new TopicPartition(topic, p.partition()), OffsetSpec.latest()));
            var first = admin.listOffsets(from).all().get();
            var end = admin.listOffsets(until).all().get();
            return end.keySet().stream()
                    .filter(p -> end.get(p).offset() > first.get(p).offset())
                    .collect(Collectors.toMap(TopicPartition::partition, p -> end.get(p).offset()));
        }
    }

    private static Properties settings(String brokers, int threads) throws Exception {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "distinct-users-" + UUID.randomUUID());
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("state.dir"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 3_600_000);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        // No waiting of one partition for another.
        settings.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, -1);
        settings.put("auto.offset.reset", "earliest");
        // The newer protocol fetches on a thread of its own: faster for one stream thread. Two move their
        // tasks about with it while they run, and take twice the time.
        settings.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, threads == 1 ? "streams" : "classic");
        settings.put("fetch.max.bytes", 64 << 20);
        settings.put("max.partition.fetch.bytes", 16 << 20);
        settings.put("receive.buffer.bytes", 4 << 20);
        settings.put("max.poll.records", 10_000);
        settings.put("check.crcs", false);
        // A setting to be tried out is given as -Dkafka.NAME=VALUE.
        System.getProperties().forEach((name, value) -> {
            if (name.toString().startsWith("kafka.")) {
                settings.put(name.toString().substring("kafka.".length()), value);
            }
        });
        return settings;
    }

    /** What all threads saw. Leaves {@link #USERS} of no more use. */
    private static TreeMap<Long, Set<String>> united() {
        TreeMap<Long, Set<String>> united = new TreeMap<>();
        for (Map<Long, Set<String>> users : USERS.values()) {
            users.forEach((minute, set) -> united.merge(minute, set, (a, b) -> {
                Set<String> large = a.size() < b.size() ? b : a;
                large.addAll(large == a ? b : a);
                return large;
            }));
        }
        return united;
    }

    /** One a partition. */
    private static final class Users implements Processor<byte[], byte[], Void, Void> {
        private final Map<Integer, Long> ends;
        private final CountDownLatch unread;
        private final Frame frame = new Frame();
        private ProcessorContext<Void, Void> context;
        private Map<Long, Set<String>> users;
        private long end;
        private long minute = Long.MIN_VALUE;
        private Set<String> usersOfMinute;

        Users(Map<Integer, Long> ends, CountDownLatch unread) {
            this.ends = ends;
            this.unread = unread;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            this.context = context;
            users = USERS.computeIfAbsent(Thread.currentThread(), thread -> new HashMap<>());
            end = ends.getOrDefault(context.taskId().partition(), 0L);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            if (FIRST_RECORD_NS.get() == 0) {
                FIRST_RECORD_NS.compareAndSet(0, System.nanoTime());
            }
            if (!frame.read(record.value())) {
                throw new IllegalArgumentException("a frame without ts and uid: this program knows no such");
            }
            long its = Math.floorDiv(frame.ts, 60L) * 60;
            if (its != minute) {
                minute = its;
                usersOfMinute = users.computeIfAbsent(its, m -> new HashSet<>());
            }
            usersOfMinute.add(frame.uid);
            if (context.recordMetadata().get().offset() == end - 1) {
                unread.countDown();
            }
        }
    }
}
