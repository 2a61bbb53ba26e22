/* readings.c - what else a leaf's bytes may decode to: decoders differ on base64 behind its padding, on junk within, on odd line ends.
 *
 * What most do is the part's content (leaf.c); each reading that gives other
 * bytes becomes a child of the part, under the same names and types. */
#include "config.h"

#include "opener/walk.h"

#include <string.h>

#define PIECE_BYTES (256 * 1024)

/* Bytes as they come out of a decoder; false: enough. */
typedef void (*piece_fn)(void *context, const uint8_t *data, size_t n);

static void decode_pieces(const struct encoded *content, piece_fn take, void *context)
{
	struct slice raw = content->raw;
	struct transfer t;
	if (content->encoding != TRANSFER_BASE64 && content->encoding != TRANSFER_QUOTED_PRINTABLE) {
		take(context, raw.data, raw.n);
		return;
	}
	size_t piece_bytes = raw.n < PIECE_BYTES ? raw.n : PIECE_BYTES;
	uint8_t *piece = g_malloc(transfer_room(piece_bytes));
	transfer_begin_reading(&t, content->encoding, content->reading);
	while (raw.n > 0) {
		size_t cut = transfer_cut(raw.data, raw.n, piece_bytes < raw.n ? piece_bytes : raw.n);
		take(context, piece, transfer_decode(&t, raw.data, cut, piece));
		raw.data += cut;
		raw.n -= cut;
	}
	take(context, piece, transfer_end(&t, piece));
	g_free(piece);
}

/* --- digests --- */

/* Line ends are held back until something follows them. */
struct digesting {
	GChecksum *sum;
	GByteArray *held;
	bool blank;
};

static bool is_line_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static void digest_piece(void *context, const uint8_t *data, size_t n)
{
	struct digesting *d = context;
	size_t kept = n;
	while (kept > 0 && is_line_end(data[kept - 1]))
		kept--;
	for (size_t i = 0; i < kept && d->blank; i++)
		d->blank = data[i] != '\0' && strchr(" \t\r\n", data[i]);
	if (kept > 0) {
		g_checksum_update(d->sum, d->held->data, d->held->len);
		g_byte_array_set_size(d->held, 0);
		g_checksum_update(d->sum, data, (gssize)kept);
	}
	if (d->held->len < PIECE_BYTES)
		g_byte_array_append(d->held, data + kept, (guint)(n - kept));
}

char *readings_digest(const struct encoded *content, bool *blank)
{
	struct digesting d = { .sum = g_checksum_new(G_CHECKSUM_SHA256), .held = g_byte_array_new(), .blank = true };
	decode_pieces(content, digest_piece, &d);
	char *text = g_strdup(g_checksum_get_string(d.sum));
	*blank = d.blank;
	g_checksum_free(d.sum);
	g_byte_array_free(d.held, TRUE);
	return text;
}

/* --- other readings --- */

static void take_reading(struct walk *w, const struct part *p, const struct encoded *content, bool ambiguous, struct place *below)
{
	struct node n;
	if (!node_begin(w, &n, *below))
		return;
	below->index++;
	for (unsigned i = 0; i < p->name_count; i++)
		node_add_name(&n, p->names[i]);
	for (unsigned i = 0; i < p->mime_type_count; i++)
		g_ptr_array_add(n.mime_types, g_strdup(p->mime_types[i]));
	if (ambiguous)
		node_add_attributes(&n, PART_AMBIGUOUS);
	leaf_take(w, &n, *content, *below);
	node_clear(&n);
}

/* Text that is only read: a "=" more or less, or blanks at the ends of lines, are daily bread and hide nothing. */
static bool is_mere_text(const struct part *p, const struct encoded *content)
{
	return content->encoding == TRANSFER_QUOTED_PRINTABLE && p->name_count == 0
		&& (!p->mime_type || strncmp(p->mime_type, "text/", 5) == 0);
}

static bool is_among(char *const *digests, unsigned count, const char *digest)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(digests[i], digest) == 0)
			return true;
	return false;
}

void readings_take(struct walk *w, const struct part *p, const struct encoded *content, unsigned doubts, struct slice usual, struct place *below)
{
	char *digests[TRANSFER_READINGS];
	struct part part = *p;		/* the tree moves as it grows */
	struct encoded other = *content, decoded = { .raw = usual };
	bool mere = is_mere_text(&part, content), sure = mere || content->quoted, blank;
	unsigned count = 0;
	if (mere)
		doubts &= ~(1u << TRANSFER_NO_BLANK_ENDS);
	if (doubts)
		digests[count++] = readings_digest(&decoded, &blank);
	for (other.reading = TRANSFER_USUAL + 1; doubts && other.reading < TRANSFER_READINGS && !walk_stopped(w); other.reading++) {
		if (!(doubts & 1u << other.reading))
			continue;
		digests[count++] = readings_digest(&other, &blank);
		if (blank || is_among(digests, count - 1, digests[count - 1]))
			continue;
		if (!sure)
			walk_mime_error(w, "part %u can be decoded in several ways", part.number);
		take_reading(w, &part, &other, !sure, below);
	}
	for (unsigned i = 0; i < count; i++)
		g_free(digests[i]);
}
