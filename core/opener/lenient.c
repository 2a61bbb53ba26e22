/* lenient.c - see lenient.h.
 *
 * All lines that begin with "--" are found once; structure is then a matter of
 * comparing these with what may be a boundary.  Every stretch of the mail is
 * read as an entity once, whichever ways lead there. */
#include "config.h"

#include "opener/lenient.h"

#include <string.h>

#define STEPS_MAX (20 * 1000 * 1000)	/* comparisons of delimiter lines */
#define DECODED_MAX_BYTES (64u * 1024 * 1024)	/* of multiparts that claim an encoding, together */
#define PART_HEADER_LINES_MAX 20	/* in which a part's header in a text shows itself */
#define DECLARED_MAX 1000		/* boundaries of one mail that are told from lines that only look like one */

/* Memory that is read: the mail, or a multipart decoded. */
struct text {
	struct slice bytes;
	GArray *marks;			/* uint32_t offsets of "--" at the start of lines */
	GHashTable *visited;		/* entities: gint64 of both ends */
};

/* What is known from around a stretch of text. */
struct around {
	unsigned depth;
	size_t outer_end;		/* of the multipart around: a part that does not end may reach so far */
	bool is_quoted, in_digest;
};

static void read_entity(struct lenient *l, const struct text *t, size_t from, size_t to, struct around a);

/* --- lines --- */

static bool is_line_end(uint8_t c)
{
	return c == '\n' || c == '\r';
}

static bool find_marks(struct lenient *l, struct text *t)
{
	const uint8_t *data = t->bytes.data, *end = data + t->bytes.n;
	t->marks = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (const uint8_t *p = data; p < end && (p = memchr(p, '-', (size_t)(end - p)));) {
		uint32_t at = (uint32_t)(p - data);
		if (p + 1 < end && p[1] == '-' && (at == 0 || is_line_end(p[-1])))
			g_array_append_val(t->marks, at);
		while (p < end && *p == '-')
			p++;
		if (t->marks->len > LENIENT_MARKS_MAX) {
			l->limit = "Too many delimiter lines";
			return false;
		}
	}
	return true;
}

static size_t mark_at(const struct text *t, guint i)
{
	return g_array_index(t->marks, uint32_t, i);
}

/* The first mark at or behind an offset. */
static guint first_mark(const struct text *t, size_t from)
{
	guint low = 0, high = t->marks->len;
	while (low < high) {
		guint middle = low + (high - low) / 2;
		if (mark_at(t, middle) < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What stands behind "--" in a delimiter line, and where the next line begins. */
struct mark {
	const char *label;
	size_t n, next;
};

static struct mark read_mark(const struct text *t, size_t at)
{
	size_t end = at + 2, next;
	while (end < t->bytes.n && !is_line_end(t->bytes.data[end]))
		end++;
	next = end;
	if (next < t->bytes.n && t->bytes.data[next] == '\r')
		next++;
	if (next < t->bytes.n && t->bytes.data[next] == '\n')
		next++;
	return (struct mark){ .label = (const char *)t->bytes.data + at + 2, .n = end - at - 2, .next = next };
}

static size_t without_line_end(const struct text *t, size_t from, size_t to)
{
	if (to > from && t->bytes.data[to - 1] == '\n')
		to--;
	if (to > from && t->bytes.data[to - 1] == '\r')
		to--;
	return to;
}

static bool is_blank_to_end(const struct mark *m, size_t from)
{
	while (from < m->n && strchr(" \t\v\f", m->label[from]) && m->label[from])
		from++;
	return from == m->n;
}

/* --- delimiters: exactly "--boundary" or "--boundary--"; to careless readers whatever begins so --- */

enum match { NO_MATCH, DELIMITER, END };

static enum match compare(const struct mark *m, const char *boundary, bool exact)
{
	size_t n = strlen(boundary);
	if (m->n < n || memcmp(m->label, boundary, n) != 0)
		return NO_MATCH;
	bool end = m->n >= n + 2 && m->label[n] == '-' && m->label[n + 1] == '-';
	if (end && (!exact || is_blank_to_end(m, n + 2)))
		return END;
	return !exact || is_blank_to_end(m, n) ? DELIMITER : NO_MATCH;
}

static bool may_step(struct lenient *l)
{
	if (++l->steps > STEPS_MAX)
		l->unsure = true;
	return l->steps <= STEPS_MAX;
}

/* --- leaves --- */

static GPtrArray *ref_values(GPtrArray *values)
{
	return values ? g_ptr_array_ref(values) : NULL;
}

static void look_for_quoted_parts(struct lenient *l, const struct text *t, size_t from, size_t to, struct around a);

static void add_leaf(struct lenient *l, const struct text *t, size_t from, size_t to, const struct lenient_fields *f, unsigned encodings, struct around a)
{
	struct lenient_leaf leaf = {
		.kind = a.is_quoted ? LENIENT_QUOTED : f ? LENIENT_LEAF : LENIENT_AROUND, .encodings = encodings,
		.body = { .data = t->bytes.data + from, .n = to - from },
	};
	if (f)
		leaf.fields = (struct lenient_fields){ ref_values(f->types), ref_values(f->encodings), ref_values(f->dispositions) };
	g_array_append_val(l->leaves, leaf);
	look_for_quoted_parts(l, t, from, to, a);
}

static void add_around(struct lenient *l, const struct text *t, size_t from, size_t to, struct around a)
{
	if (!a.is_quoted && to > from)
		add_leaf(l, t, from, to, NULL, 1u << TRANSFER_IDENTITY, a);
}

/* --- parts that nothing declares: a delimiter line with a part's header below it --- */

static bool begins_part(struct lenient *l, const struct text *t, size_t at)
{
	static const char word[] = "content-";
	for (unsigned i = 0; i < PART_HEADER_LINES_MAX && at < t->bytes.n && may_step(l); i++) {
		const uint8_t *line = t->bytes.data + at, *end = memchr(line, '\n', t->bytes.n - at);
		size_t n = end ? (size_t)(end - line) : t->bytes.n - at;
		if (n >= sizeof word - 1 && g_ascii_strncasecmp((const char *)line, word, sizeof word - 1) == 0)
			return true;
		if (n < 2 || (!memchr(line, ':', n) && line[0] != ' ' && line[0] != '\t'))
			return false;
		at += n + 1;
	}
	return false;
}

static bool is_declared(const struct lenient *l, const char *label)
{
	for (guint i = 0; i < l->declared->len; i++) {
		const char *boundary = g_ptr_array_index(l->declared, i);
		if (*boundary && (g_str_has_prefix(label, boundary) || g_str_has_prefix(boundary, label)))
			return true;
	}
	return l->declared->len >= DECLARED_MAX;
}

/* The next line that begins with the same label. */
static size_t end_of_quoted(struct lenient *l, const struct text *t, guint next, size_t to, const char *label)
{
	for (guint i = next; i < t->marks->len && mark_at(t, i) < to && may_step(l); i++) {
		struct mark m = read_mark(t, mark_at(t, i));
		if (compare(&m, label, false) != NO_MATCH)
			return mark_at(t, i);
	}
	return to;
}

static void look_for_quoted_parts(struct lenient *l, const struct text *t, size_t from, size_t to, struct around a)
{
	for (guint i = first_mark(t, from); i < t->marks->len && mark_at(t, i) < to && may_step(l); i++) {
		struct mark m = read_mark(t, mark_at(t, i));
		if (m.n == 0 || m.next >= to || !begins_part(l, t, m.next))
			continue;
		char *label = g_strchomp(g_strndup(m.label, m.n));
		size_t end = end_of_quoted(l, t, i + 1, to, label);
		struct around within = { .depth = a.depth + 1, .outer_end = end, .is_quoted = a.is_quoted || !is_declared(l, label) };
		read_entity(l, t, m.next, without_line_end(t, m.next, end), within);
		g_free(label);
	}
}

/* --- multiparts --- */

struct split {
	bool any, ended, inexact;	/* delimiters were there; the last one too; and lines that are some to careless readers only */
};

/* The parts between the delimiters, also those behind the last one, and what stands around them. */
static struct split split_body(struct lenient *l, const struct text *t, size_t from, size_t to, const char *boundary, bool exact, struct around a)
{
	struct split s = { 0 };
	size_t open_from = 0;
	bool open = false;
	struct around part = { .depth = a.depth + 1, .outer_end = to, .is_quoted = a.is_quoted, .in_digest = a.in_digest };
	for (guint i = first_mark(t, from); i < t->marks->len && mark_at(t, i) < to && may_step(l); i++) {
		size_t at = mark_at(t, i);
		struct mark m = read_mark(t, at);
		enum match match = compare(&m, boundary, exact);
		s.inexact |= match == NO_MATCH && *boundary && compare(&m, boundary, false) != NO_MATCH;
		if (match == NO_MATCH)
			continue;
		if (!s.any)
			add_around(l, t, from, at, a);
		if (open)
			read_entity(l, t, open_from, without_line_end(t, open_from, at), part);
		s.any = true;
		open = match == DELIMITER;
		open_from = MIN(m.next, to);
		if (match == END && !s.ended)
			add_around(l, t, open_from, to, a);
		s.ended |= match == END;
	}
	if (open)
		read_entity(l, t, open_from, to, part);
	return s;
}

/* Some readers end an inner multipart only at its own last delimiter, whatever comes before. */
static size_t end_beyond(struct lenient *l, const struct text *t, size_t from, size_t outer_end, const char *boundary)
{
	size_t end = 0;
	for (guint i = first_mark(t, from); i < t->marks->len && mark_at(t, i) < outer_end && may_step(l); i++) {
		struct mark m = read_mark(t, mark_at(t, i));
		enum match match = *boundary ? compare(&m, boundary, true) : NO_MATCH;
		if (match != NO_MATCH)
			end = match == END ? MIN(m.next, outer_end) : outer_end;
		if (match == END)
			break;
	}
	return end;
}

static bool read_multipart(struct lenient *l, const struct text *t, size_t from, size_t to, const char *boundary, struct around a)
{
	struct split s = split_body(l, t, from, to, boundary, true, a);
	if (s.inexact)
		s.any |= split_body(l, t, from, to, boundary, false, a).any;
	size_t beyond = s.any && !s.ended && a.outer_end > to ? end_beyond(l, t, to, a.outer_end, boundary) : 0;
	if (beyond > to)
		split_body(l, t, from, beyond, boundary, true, a);
	return s.any;
}

/* --- entities --- */

struct entity {
	struct lenient_fields fields;
	GPtrArray *boundaries;
	unsigned encodings;
	bool multipart, message, other;	/* what it is to one reader or another */
};

static void judge_types(struct entity *e, bool in_digest)
{
	static const char *const messages[] = { "message/rfc822", "message/global", "message/news" };
	for (guint i = 0; e->fields.types && i < e->fields.types->len; i++) {
		char *type = lenient_type(g_ptr_array_index(e->fields.types, i));
		bool message = false;
		for (size_t k = 0; type && k < G_N_ELEMENTS(messages); k++)
			message |= strcmp(type, messages[k]) == 0;
		bool multipart = type && strncmp(type, "multipart/", 10) == 0;
		e->message |= message;
		e->multipart |= multipart;
		e->other |= !message && !multipart;
		g_free(type);
	}
	if (!e->fields.types) {
		e->message = in_digest;
		e->other = !in_digest;
	}
}

static bool is_multipart_digest(const struct entity *e)
{
	bool digest = false;
	for (guint i = 0; e->fields.types && i < e->fields.types->len; i++) {
		char *type = lenient_type(g_ptr_array_index(e->fields.types, i));
		digest |= type && strcmp(type, "multipart/digest") == 0;
		g_free(type);
	}
	return digest;
}

static bool read_by_boundaries(struct lenient *l, const struct text *t, size_t from, size_t to, const struct entity *e, struct around a)
{
	bool any = false;
	a.in_digest = e->boundaries->len > 0 && is_multipart_digest(e);
	for (guint i = 0; i < e->boundaries->len; i++)
		any |= read_multipart(l, t, from, to, g_ptr_array_index(e->boundaries, i), a);
	return any;
}

static void text_begin(struct text *t, struct slice bytes)
{
	*t = (struct text){ .bytes = bytes, .visited = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL) };
}

static void text_clear(struct text *t)
{
	g_hash_table_unref(t->visited);
	if (t->marks)
		g_array_unref(t->marks);
}

/* No encoding is allowed on what has parts; who undoes one all the same sees these. */
static void read_decoded(struct lenient *l, struct slice raw, enum transfer_encoding encoding, const struct entity *e, struct around a)
{
	l->decoded_bytes += raw.n;
	if (l->decoded_bytes > DECODED_MAX_BYTES) {
		l->unsure = true;
		return;
	}
	struct transfer decoding;
	struct text t;
	uint8_t *buffer = g_malloc(transfer_room(raw.n));
	g_ptr_array_add(l->buffers, buffer);
	transfer_begin(&decoding, encoding);
	size_t n = transfer_decode(&decoding, raw.data, raw.n, buffer);
	n += transfer_end(&decoding, buffer + n);
	if (n == raw.n && memcmp(buffer, raw.data, n) == 0)
		return;
	text_begin(&t, (struct slice){ .data = buffer, .n = n });
	a.depth++;
	a.outer_end = n;
	if (find_marks(l, &t) && e->message)
		read_entity(l, &t, 0, n, a);
	else if (t.marks && !read_by_boundaries(l, &t, 0, n, e, a))
		add_around(l, &t, 0, n, a);
	text_clear(&t);
}

static void read_all_decoded(struct lenient *l, const struct text *t, size_t from, size_t to, const struct entity *e, struct around a)
{
	struct slice raw = { .data = t->bytes.data + from, .n = to - from };
	for (enum transfer_encoding encoding = TRANSFER_BASE64; encoding <= TRANSFER_QUOTED_PRINTABLE; encoding++)
		if (e->encodings & 1u << encoding)
			read_decoded(l, raw, encoding, e, a);
}

static bool begins_with_field(const struct text *t, size_t from, size_t to)
{
	size_t i = from;
	while (i < to && (g_ascii_isalnum(t->bytes.data[i]) || t->bytes.data[i] == '-'))
		i++;
	return i > from && i < to && t->bytes.data[i] == ':';
}

static void read_body(struct lenient *l, const struct text *t, size_t from, size_t to, const struct entity *e, struct around a)
{
	unsigned identity = 1u << TRANSFER_IDENTITY;
	bool parts = read_by_boundaries(l, t, from, to, e, a);
	if (e->multipart && !parts)
		add_around(l, t, from, to, a);
	if (e->multipart && e->encodings != identity)
		read_all_decoded(l, t, from, to, e, a);
	struct around below = { .depth = a.depth + 1, .outer_end = to, .is_quoted = a.is_quoted };
	if (e->message && (e->encodings & identity || begins_with_field(t, from, to)))
		read_entity(l, t, from, to, below);
	if (e->other || (e->message && e->encodings != identity))
		add_leaf(l, t, from, to, &e->fields, e->other ? e->encodings : e->encodings & ~identity, a);
}

static void read_with_header(struct lenient *l, const struct text *t, size_t from, const struct lenient_header *h, size_t to, struct around a)
{
	struct entity e = { .boundaries = g_ptr_array_new_with_free_func(g_free) };
	lenient_fields_read((struct slice){ .data = t->bytes.data + from, .n = h->end }, &e.fields);
	judge_types(&e, a.in_digest);
	e.encodings = lenient_encodings(&e.fields);
	if (!lenient_boundaries(&e.fields, e.boundaries))
		l->unsure = true;
	for (guint i = 0; i < e.boundaries->len && l->declared->len < DECLARED_MAX; i++)
		g_ptr_array_add(l->declared, g_strdup(g_ptr_array_index(e.boundaries, i)));
	a.in_digest = false;
	if (e.fields.too_long)
		l->limit = "MIME field larger than 262144 bytes";
	read_body(l, t, from + h->body, to, &e, a);
	g_ptr_array_unref(e.boundaries);
	lenient_fields_clear(&e.fields);
}

/* false: more than anybody needs to see. */
static bool may_read_entity(struct lenient *l, const struct text *t, size_t from, size_t to, unsigned depth)
{
	l->too_deep |= depth > BUDGET_NESTING_MAX;
	if (l->too_deep || l->limit)
		return false;
	gint64 key = (gint64)from << 32 | (gint64)to, *kept = g_memdup2(&key, sizeof key);
	if (!g_hash_table_add(t->visited, kept))
		return false;
	if (++l->entities > LENIENT_ENTITIES_MAX)
		l->limit = "Too many parts";
	return !l->limit;
}

static void read_entity(struct lenient *l, const struct text *t, size_t from, size_t to, struct around a)
{
	struct lenient_header headers[LENIENT_HEADERS];
	size_t lines;
	if (from > to || !may_read_entity(l, t, from, to, a.depth))
		return;
	unsigned count = lenient_header_ends((struct slice){ .data = t->bytes.data + from, .n = to - from }, headers, &lines);
	l->field_count += lines;
	l->header_bytes += headers[0].end;
	if (l->header_bytes > LENIENT_HEADER_BYTES_MAX)
		l->limit = "Header larger than 16777216 bytes";
	else if (l->field_count > LENIENT_FIELDS_MAX)
		l->limit = "More than 100000 header fields";
	for (unsigned i = 0; i < count && !l->limit; i++)
		read_with_header(l, t, from, &headers[i], to, a);
}

void lenient_read(struct lenient *l, struct slice mail)
{
	struct text t;
	*l = (struct lenient){ .leaves = g_array_new(FALSE, FALSE, sizeof(struct lenient_leaf)) };
	l->buffers = g_ptr_array_new_with_free_func(g_free);
	l->declared = g_ptr_array_new_with_free_func(g_free);
	text_begin(&t, mail);
	if (find_marks(l, &t))
		read_entity(l, &t, 0, mail.n, (struct around){ .outer_end = mail.n });
	text_clear(&t);
}

void lenient_clear(struct lenient *l)
{
	for (guint i = 0; i < l->leaves->len; i++)
		lenient_fields_clear(&g_array_index(l->leaves, struct lenient_leaf, i).fields);
	g_array_unref(l->leaves);
	g_ptr_array_unref(l->buffers);
	g_ptr_array_unref(l->declared);
}
