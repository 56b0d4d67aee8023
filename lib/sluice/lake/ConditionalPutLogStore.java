package sluice.lake;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Arrays;
import java.util.Iterator;

import io.delta.storage.S3SingleDriverLogStore;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/**
 * A Delta log on S3 in which no commit is lost: each entry is made by a conditional put (If-None-Match), so that of two
 * writers of a version one gets a conflict. Delta's own store for S3 looks whether the entry exists, and then writes it:
 * of two drivers the later one overwrites the commit of the earlier.
 *
 * Nor does a run commit whose lease of the table has ended (see {@link LeaseDeadline}).
 *
 * To be dropped when a Delta release has such a store: https://github.com/delta-io/delta/issues/3596
 */
public class ConditionalPutLogStore extends S3SingleDriverLogStore {
    private static final int ATTEMPTS = 5; // where S3 says that another request on the same key is under way

    public ConditionalPutLogStore(Configuration hadoopConf) {
        super(hadoopConf);
    }

    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration hadoopConf)
            throws IOException {
        FileSystem fs = path.getFileSystem(hadoopConf);
        byte[] entry = bytes(actions);
        if (overwrite) {
            put(fs, path, entry, false);
            return;
        }
        for (int attempt = 1; ; attempt++) {
            LeaseDeadline.check(path.getParent().getParent());
            try {
                put(fs, path, entry, true);
                return;
            } catch (IOException error) {
                int status = httpStatus(error);
                if (status != 409 && status != 412) {
                    throw error;
                }
                byte[] existing = read(fs, path);
                if (Arrays.equals(existing, entry)) {
                    return; // the put had succeeded, its answer was lost, and the client tried again
                }
                if (existing != null) {
                    throw new FileAlreadyExistsException(path.toString());
                }
                if (attempt == ATTEMPTS) {
                    throw error;
                }
            }
        }
    }

    private static byte[] bytes(Iterator<String> lines) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (lines.hasNext()) {
            bytes.writeBytes((lines.next() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private static void put(FileSystem fs, Path path, byte[] entry, boolean ifNew) throws IOException {
        FSDataOutputStreamBuilder<?, ?> builder = fs.createFile(path).overwrite(true);
        builder.opt("fs.s3a.create.performance", true); // without looking for the file and its folder first
        if (ifNew) {
            builder.must("fs.option.create.conditional.overwrite", true);
        }
        try (FSDataOutputStream stream = builder.build()) {
            stream.write(entry);
        }
    }

    /** The file's bytes; null if it does not exist. */
    private static byte[] read(FileSystem fs, Path path) throws IOException {
        try (FSDataInputStream stream = fs.open(path)) {
            return stream.readAllBytes();
        } catch (FileNotFoundException error) {
            return null;
        }
    }

    /** The status of S3's answer that made the request fail; 0 if none did. */
    private static int httpStatus(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof AwsServiceException) {
                return ((AwsServiceException) cause).statusCode();
            }
        }
        return 0;
    }
}
