package sluice.lake;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.hadoop.fs.Path;

/**
 * Until when this process may commit to a table: as long as no other run can have taken over its lease.
 *
 * Sluice's Python sets it each time it has renewed the lease. A process that was stopped in between, and goes on later,
 * finds the deadline passed. Both clocks are asked: one does not run while the machine sleeps, the other may be set.
 */
public final class LeaseDeadline {
    private static final Map<String, LeaseDeadline> BY_TABLE = new ConcurrentHashMap<>();

    private final long nanoTime;
    private final long milliseconds;

    private LeaseDeadline(double seconds) {
        nanoTime = System.nanoTime() + (long) (seconds * 1e9);
        milliseconds = System.currentTimeMillis() + (long) (seconds * 1e3);
    }

    /** Lets commits to the table (its path) pass for so many seconds. */
    public static void extend(String table, double seconds) {
        BY_TABLE.put(table, new LeaseDeadline(seconds));
    }

    /** Forgets the deadline: the lease was given back. */
    public static void forget(String table) {
        BY_TABLE.remove(table);
    }

    /** Throws an IOException if this process had a lease of the table and its deadline has passed. */
    static void check(Path table) throws IOException {
        LeaseDeadline deadline = BY_TABLE.get(table.toString());
        if (deadline != null
                && (System.nanoTime() > deadline.nanoTime || System.currentTimeMillis() > deadline.milliseconds)) {
            throw new IOException("SLUICE_LEASE_LOST: " + table);
        }
    }
}
