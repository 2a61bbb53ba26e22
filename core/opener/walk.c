/* walk.c - from a mail to a tree of parts.
 *
 * GMime finds the structure; decoding, names and doubts are ours.  Nothing here
 * knows of processes or the worker, so that it can be fuzzed.  A limit stops the
 * walk and keeps what was found so far; a doubt never stops it. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "opener/names.h"

#define READ_MAX_BYTES (8 * 1024 * 1024)	/* larger mails are mapped */
#define HEADER_MAX_BYTES (16 * 1024 * 1024)	/* of the mail's own header */
#define MAIL_MAX_BYTES (1u << 31)

/* --- outcomes --- */

__attribute__((format(printf, 3, 0)))
static void keep_text(struct walk *w, const char **slot, const char *format, va_list arguments)
{
	if (!*slot)
		*slot = talloc_vasprintf(w->owner, format, arguments);
}

void walk_limit(struct walk *w, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	keep_text(w, &w->out->hold, format, arguments);
	va_end(arguments);
	if (w->out->outcome == OPENED_OK)
		w->out->outcome = OPENED_LIMIT;
	w->stopped = true;
}

static bool is_of_environment(int problem)
{
	return problem == ENOSPC || problem == EDQUOT || problem == EMFILE || problem == ENFILE || problem == ENOMEM || problem == EIO;
}

void walk_broken(struct walk *w, int problem, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	keep_text(w, &w->out->hold, format, arguments);
	va_end(arguments);
	w->out->outcome = is_of_environment(problem) ? OPENED_ENVIRONMENT : OPENED_BROKEN;
	w->stopped = true;
}

void walk_mime_error(struct walk *w, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	keep_text(w, &w->out->mime_error, format, arguments);
	va_end(arguments);
}

bool walk_may_go_on(struct walk *w)
{
	if (!w->stopped && w->order->deadline_ms > 0 && clock_now_ms() >= w->order->deadline_ms)
		walk_limit(w, "Out of time while decoding");
	return !w->stopped;
}

/* --- nodes --- */

bool node_begin(struct walk *w, struct node *n, struct place at)
{
	uint64_t max = w->order->max_files && w->order->max_files < WALK_PARTS_MAX ? w->order->max_files : WALK_PARTS_MAX;
	if (!walk_may_go_on(w))
		return false;
	if (w->out->part_count >= max) {
		walk_limit(w, "Maximum number of files (%" PRIu64 ") exceeded", max);
		return false;
	}
	*n = (struct node){ .names = g_ptr_array_new_with_free_func(g_free) };
	n->record.number = ++w->out->part_count;
	n->record.parent = at.parent;
	n->record.index_in_parent = at.index;
	return true;
}

void node_add_attributes(struct walk *w, struct node *n, unsigned attributes)
{
	n->record.attributes |= (uint8_t)attributes;
	w->out->undecipherable |= (attributes & PART_UNDECODABLE) != 0;
	w->out->crypted |= (attributes & PART_CRYPTED) != 0;
	w->out->ambiguous |= (attributes & PART_AMBIGUOUS) != 0;
}

void node_send(struct walk *w, struct node *n)
{
	n->record.mime_type = n->mime_type[0] ? n->mime_type : NULL;
	n->record.name_count = n->names->len;
	n->record.names = (const char **)n->names->pdata;
	w->sink->part(w->sink->context, &n->record);
}

void node_clear(struct node *n)
{
	g_ptr_array_free(n->names, TRUE);
	n->names = NULL;
}

/* --- what an entity declares --- */

static void read_mime_type(GMimeObject *o, char out[256])
{
	GMimeContentType *t = g_mime_object_get_content_type(o);
	const char *type = t ? g_mime_content_type_get_media_type(t) : NULL, *sub = t ? g_mime_content_type_get_media_subtype(t) : NULL;
	g_snprintf(out, 256, "%s/%s", type ? type : "text", sub ? sub : "plain");
	for (char *p = out; *p; p++)
		*p = *p > 0x20 && *p < 0x7f ? g_ascii_tolower(*p) : '_';
}

/* A field given twice with different values, or a boundary given twice: readers differ on which one counts. */
static bool declares_twice(GMimeObject *o)
{
	GMimeHeaderList *headers = g_mime_object_get_header_list(o);
	const char *type = NULL, *encoding = NULL;
	int count = g_mime_header_list_get_count(headers);
	for (int i = 0; i < count; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(headers, i);
		const char *name = g_mime_header_get_name(h), *raw = g_mime_header_get_raw_value(h);
		bool is_type = g_ascii_strcasecmp(name, "Content-Type") == 0;
		if (!raw || (!is_type && g_ascii_strcasecmp(name, "Content-Transfer-Encoding") != 0))
			continue;
		const char **seen = is_type ? &type : &encoding;
		if ((*seen && strcmp(*seen, raw) != 0) || (is_type && parameters_count(raw, "boundary") > 1))
			return true;
		*seen = raw;
	}
	return false;
}

/* RFC 2045 section 6.4: no encoding but identity on a multipart; those who decode it all the same see another mail. */
static bool encodes_structure(GMimeObject *o)
{
	const char *value = g_mime_object_get_header(o, "Content-Transfer-Encoding");
	GMimeContentEncoding e = value ? g_mime_content_encoding_from_string(value) : GMIME_CONTENT_ENCODING_DEFAULT;
	return e == GMIME_CONTENT_ENCODING_BASE64 || e == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE || e == GMIME_CONTENT_ENCODING_UUENCODE;
}

static bool is_enveloped(GMimeObject *o, const char *mime_type)
{
	const char *kind = g_mime_object_get_content_type_parameter(o, "smime-type");
	return (strcmp(mime_type, "application/pkcs7-mime") == 0 || strcmp(mime_type, "application/x-pkcs7-mime") == 0)
		&& kind && (g_ascii_strcasecmp(kind, "enveloped-data") == 0 || g_ascii_strcasecmp(kind, "authenveloped-data") == 0);
}

static void describe(struct walk *w, struct node *n, GMimeObject *o)
{
	read_mime_type(o, n->mime_type);
	bool names_whole = names_collect(o, n->names);
	if (!names_whole || declares_twice(o) || (!GMIME_IS_PART(o) && encodes_structure(o)))
		node_add_attributes(w, n, PART_AMBIGUOUS);
	if (strcmp(n->mime_type, "multipart/encrypted") == 0 || strcmp(n->mime_type, "application/pgp-encrypted") == 0
		|| is_enveloped(o, n->mime_type))
		node_add_attributes(w, n, PART_CRYPTED);
}

/* --- the tree --- */

static void walk_object(struct walk *w, GMimeObject *o, struct place at);

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* What mail programs put in front for readers without MIME; harmless, and in every second mail. */
static bool is_usual_preamble(const char *text)
{
	static const char *const usual[] = {
		"This is a multi-part message in MIME format.", "This is a MIME-encapsulated message.", "This is a multipart message in MIME format.",
		"This is a MIME-encapsulated message", "This is a cryptographically signed message in MIME format.",
		"This is an OpenPGP/MIME signed message (RFC 4880 and 3156)", "This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)",
	};
	text += strspn(text, " \t\r\n");
	for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
		if (strncmp(text, usual[i], strlen(usual[i])) == 0 && is_blank(text + strlen(usual[i])))
			return true;
	return false;
}

/* Text around the parts of a multipart: true when it made a part. */
static bool walk_surrounding(struct walk *w, const char *text, struct place at)
{
	struct node n;
	if (!text || is_blank(text) || is_usual_preamble(text) || !node_begin(w, &n, at))
		return false;
	leaf_take(w, &n, (struct slice){ .data = (const uint8_t *)text, .n = strlen(text) }, TRANSFER_IDENTITY, at);
	node_clear(&n);
	return true;
}

static void walk_multipart(struct walk *w, GMimeMultipart *m, struct node *n, struct place at)
{
	struct place below = { .parent = n->record.number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	node_send(w, n);
	if (walk_surrounding(w, g_mime_multipart_get_prologue(m), below))
		below.index++;
	int count = g_mime_multipart_get_count(m);
	for (int i = 0; i < count && !w->stopped; i++, below.index++)
		walk_object(w, g_mime_multipart_get_part(m, i), below);
	walk_surrounding(w, g_mime_multipart_get_epilogue(m), below);
}

static void walk_parsed_message(struct walk *w, GMimeMessage *m, struct place at)
{
	GMimeObject *top = g_mime_message_get_mime_part(m);
	if (top)
		walk_object(w, top, at);
}

static bool deeper(struct walk *w, struct place *at)
{
	at->level++;
	if (w->order->max_levels == 0 || at->level <= w->order->max_levels)
		return true;
	walk_limit(w, "Maximum decoding depth (%" PRIu64 ") exceeded", w->order->max_levels);
	return false;
}

static void walk_message_part(struct walk *w, GMimeMessagePart *p, struct node *n, struct place at)
{
	struct place below = { .parent = n->record.number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	n->record.type_short = "mail";
	n->record.type_full = "RFC 822 mail text";
	node_send(w, n);
	if (g_mime_message_part_get_message(p) && deeper(w, &below))
		walk_parsed_message(w, g_mime_message_part_get_message(p), below);
}

static enum transfer_encoding encoding_of(struct walk *w, GMimePart *p)
{
	const char *value = g_mime_object_get_header(GMIME_OBJECT(p), "Content-Transfer-Encoding");
	switch (g_mime_part_get_content_encoding(p)) {
	case GMIME_CONTENT_ENCODING_BASE64:
		return TRANSFER_BASE64;
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
		return TRANSFER_QUOTED_PRINTABLE;
	case GMIME_CONTENT_ENCODING_UUENCODE:
		return TRANSFER_UUENCODE;
	case GMIME_CONTENT_ENCODING_DEFAULT:
		if (value)
			walk_mime_error(w, "unknown Content-Transfer-Encoding");
		return TRANSFER_IDENTITY;
	default:
		return TRANSFER_IDENTITY;
	}
}

/* The raw bytes of a leaf: a window on what was parsed. */
static struct slice raw_content(GMimePart *p)
{
	GMimeDataWrapper *content = g_mime_part_get_content(p);
	GMimeStream *s = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	GByteArray *all = s && GMIME_IS_STREAM_MEM(s) ? g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s)) : NULL;
	if (!all)
		return (struct slice){ 0 };
	gint64 end = s->bound_end < 0 || s->bound_end > all->len ? all->len : s->bound_end;
	if (s->bound_start < 0 || s->bound_start >= end)
		return (struct slice){ 0 };
	return (struct slice){ .data = all->data + s->bound_start, .n = (size_t)(end - s->bound_start) };
}

static void walk_object(struct walk *w, GMimeObject *o, struct place at)
{
	struct node n;
	if (at.nesting >= WALK_NESTING_MAX) {
		walk_limit(w, "Maximum nesting of MIME parts (%d) exceeded", WALK_NESTING_MAX);
		return;
	}
	if (!o || !node_begin(w, &n, at))
		return;
	describe(w, &n, o);
	if (GMIME_IS_MULTIPART(o))
		walk_multipart(w, GMIME_MULTIPART(o), &n, at);
	else if (GMIME_IS_MESSAGE_PART(o))
		walk_message_part(w, GMIME_MESSAGE_PART(o), &n, at);
	else if (GMIME_IS_PART(o))
		leaf_take(w, &n, raw_content(GMIME_PART(o)), encoding_of(w, GMIME_PART(o)), at);
	else
		node_send(w, &n);
	node_clear(&n);
}

/* --- parsing --- */

static void note_warning(gint64 offset, GMimeParserWarning kind, const gchar *item, gpointer data)
{
	struct walk *w = data;
	switch (kind) {
	case GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY:
		walk_mime_error(w, "multipart without boundary");
		break;
	case GMIME_CRIT_CONFLICTING_PARAMETER:
		walk_mime_error(w, "conflicting parameters in a MIME field");
		break;
	case GMIME_CRIT_PART_WITHOUT_HEADERS_OR_CONTENT:
		walk_mime_error(w, "part without header and content");
		break;
	case GMIME_WARN_MALFORMED_MULTIPART:
		walk_mime_error(w, "multipart without parts");
		break;
	case GMIME_WARN_TRUNCATED_MESSAGE:
		walk_mime_error(w, "the mail ends before its last part does");
		break;
	case GMIME_WARN_INVALID_CONTENT_TYPE:
		walk_mime_error(w, "invalid Content-Type");
		break;
	default:
		break;	/* header fields are another test's business; the walk meets its own limit before GMime's nesting ends */
	}
}

/* A mail as GMime holds it: streams of its parts read from the array for as long as it lives. */
struct parsed {
	GByteArray array;
	GMimeMessage *message;
};

/* GMime only reads from the array, which is a window on memory that it does not own. */
static void parse(struct walk *w, struct slice bytes, struct parsed *out)
{
	union { const uint8_t *in; guint8 *out; } window = { .in = bytes.data };
	out->array = (GByteArray){ .data = window.out, .len = (guint)bytes.n };
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(&out->array);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, TRUE);
	out->message = g_mime_parser_construct_message(parser, w->options);
	g_object_unref(parser);
	g_object_unref(stream);
}

void walk_message_bytes(struct walk *w, struct slice bytes, struct place at)
{
	struct parsed p;
	if (bytes.n == 0 || at.nesting >= WALK_NESTING_MAX || !deeper(w, &at))
		return;
	if (bytes.n > MAIL_MAX_BYTES) {
		walk_limit(w, "Mail too large to be taken apart");
		return;
	}
	parse(w, bytes, &p);
	if (!p.message)
		return;
	GMimeObject *top = g_mime_message_get_mime_part(p.message);
	/* GMime ends what stands around the parts at a NUL and tells no length: the rest is only in the whole mail. */
	if (top && GMIME_IS_MULTIPART(top) && memchr(bytes.data, '\0', bytes.n))
		w->out->ambiguous = true;
	if (!w->stopped)
		walk_parsed_message(w, p.message, at);
	g_object_unref(p.message);
}

/* --- the mail --- */

struct source {
	struct slice bytes;
	uint8_t *buffer;
	void *map;
};

static int source_open(struct source *s, int mail_fd, uint64_t size_bytes)
{
	*s = (struct source){ .bytes.n = size_bytes };
	if (size_bytes == 0)
		return 0;
	if (size_bytes > READ_MAX_BYTES) {
		s->map = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, mail_fd, 0);
		if (s->map == MAP_FAILED) {
			s->map = NULL;
			return -1;
		}
		s->bytes.data = s->map;
		return 0;
	}
	s->buffer = g_malloc(size_bytes);
	s->bytes.data = s->buffer;
	return io_pread_full(mail_fd, s->buffer, size_bytes, 0);
}

static void source_close(struct source *s)
{
	g_free(s->buffer);
	if (s->map)
		munmap(s->map, s->bytes.n);
}

/* Header fields are kept in memory several times over; nobody needs so many. */
static bool header_is_bounded(struct slice mail)
{
	size_t look = mail.n < HEADER_MAX_BYTES ? mail.n : HEADER_MAX_BYTES;
	return mail.n <= HEADER_MAX_BYTES || memmem(mail.data, look, "\n\r\n", 3) || memmem(mail.data, look, "\n\n", 2);
}

static void walk_mail(struct walk *w, int mail_fd)
{
	struct source s;
	if (source_open(&s, mail_fd, w->order->size_bytes) != 0) {
		walk_broken(w, errno, "read mail: %s", g_strerror(errno));
	} else if (!header_is_bounded(s.bytes)) {
		walk_limit(w, "Header larger than %d bytes", HEADER_MAX_BYTES);
	} else {
		w->options = g_mime_parser_options_new();
		g_mime_parser_options_set_warning_callback(w->options, note_warning, w);
		walk_message_bytes(w, s.bytes, (struct place){ .index = 1 });
		g_mime_parser_options_free(w->options);
	}
	source_close(&s);
}

uint64_t opener_cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void opener_take_apart(int mail_fd, const struct open_order *order, int dir_fd, const struct opener_sink *sink, struct opened *out, void *owner)
{
	struct walk w = { .order = order, .sink = sink, .out = out, .owner = owner, .dir_fd = dir_fd };
	uint64_t started_us = opener_cpu_us();
	*out = (struct opened){ .outcome = OPENED_OK };
	walk_mail(&w, mail_fd);
	bool doubtful = out->undecipherable || out->ambiguous || out->outcome != OPENED_OK;
	out->mail_kept = order->keep_mail || doubtful;	/* what could not be read for sure is also scanned as it came */
	out->cpu_us = (uint32_t)(opener_cpu_us() - started_us);
}
