/* walk.c - from a mail, or a mail within one, to a tree of parts.
 *
 * GMime finds the structure, and views.c what a sloppier reader would find
 * besides; decoding, names and doubts are ours.  Nothing here
 * knows of processes or the worker, so that it can be fuzzed.  A limit stops the
 * walk and keeps what was found so far; a doubt never stops it. */
#include "config.h"

#include "opener/walk.h"

#include <string.h>

#include "opener/names.h"
#include "opener/views.h"

#define MAIL_MAX_BYTES (1u << 31)

/* --- what an entity declares --- */

static char *read_mime_type(GMimeObject *o)
{
	GMimeContentType *t = g_mime_object_get_content_type(o);
	const char *type = t ? g_mime_content_type_get_media_type(t) : NULL, *sub = t ? g_mime_content_type_get_media_subtype(t) : NULL;
	char *out = g_strdup_printf("%.127s/%.127s", type ? type : "text", sub ? sub : "plain");
	for (char *p = out; *p; p++)
		*p = *p > 0x20 && *p < 0x7f ? g_ascii_tolower(*p) : '_';
	return out;
}

static bool is_enveloped(GMimeObject *o, const char *mime_type)
{
	const char *kind = g_mime_object_get_content_type_parameter(o, "smime-type");
	return (strcmp(mime_type, "application/pkcs7-mime") == 0 || strcmp(mime_type, "application/x-pkcs7-mime") == 0)
		&& kind && (g_ascii_strcasecmp(kind, "enveloped-data") == 0 || g_ascii_strcasecmp(kind, "authenveloped-data") == 0);
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

/* A message in pieces is another one to who puts it together. */
static bool is_piece(const char *mime_type)
{
	return strcmp(mime_type, "message/partial") == 0;
}

/* The lenient reader knows of fields and readings that GMime does not: it is asked about leaves, GMime about all else. */
static void describe(struct walk *w, struct node *n, GMimeObject *o)
{
	char *mime_type = read_mime_type(o);
	g_ptr_array_add(n->mime_types, mime_type);
	bool sure = names_of_library(o, n->names);
	if (!GMIME_IS_PART(o) || !view_describe(w, n, raw_content(GMIME_PART(o))))
		sure &= names_of_fields(o, n->names);
	if (!sure || is_piece(mime_type))
		node_add_attributes(n, PART_AMBIGUOUS);
	if (strcmp(mime_type, "multipart/encrypted") == 0 || strcmp(mime_type, "application/pgp-encrypted") == 0
		|| is_enveloped(o, mime_type))
		node_add_attributes(n, PART_CRYPTED);
}

/* --- the tree --- */

static void walk_object(struct walk *w, GMimeObject *o, struct place at);

/* Text around the parts of a multipart: true when it made a part. */
static bool walk_surrounding(struct walk *w, const char *text, struct place at)
{
	struct node n;
	struct slice raw = view_find_around(w, text ? text : "");
	if (view_is_usual_preamble(raw) || !node_begin(w, &n, at))
		return false;
	leaf_take(w, &n, (struct encoded){ .raw = raw }, at);
	view_saw(w, raw, TRANSFER_IDENTITY, n.record.number);
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
	for (int i = 0; i < count && !walk_stopped(w); i++, below.index++)
		walk_object(w, g_mime_multipart_get_part(m, i), below);
	walk_surrounding(w, g_mime_multipart_get_epilogue(m), below);
}

static void walk_parsed_message(struct walk *w, GMimeMessage *m, struct place at)
{
	GMimeObject *top = g_mime_message_get_mime_part(m);
	if (top)
		walk_object(w, top, at);
}

static void walk_message_part(struct walk *w, GMimeMessagePart *p, struct node *n, struct place at)
{
	struct place below = { .parent = n->record.number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	n->record.type_short = "mail";
	n->record.type_full = "RFC 822 mail text";
	node_send(w, n);
	if (g_mime_message_part_get_message(p) && walk_deeper(w, &below))
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

static void walk_leaf(struct walk *w, GMimePart *p, struct node *n, struct place at)
{
	struct slice raw = raw_content(p);
	enum transfer_encoding encoding = encoding_of(w, p);
	bool text = g_ascii_strncasecmp(g_ptr_array_index(n->mime_types, 0), "text/", 5) == 0;
	GPtrArray *charsets = text ? charsets_declared(GMIME_OBJECT(p)) : NULL;
	leaf_take(w, n, (struct encoded){ .raw = raw, .encoding = encoding, .charsets = charsets }, at);
	view_saw(w, raw, encoding, n->record.number);
	if (charsets)
		g_ptr_array_unref(charsets);
}

static void walk_object(struct walk *w, GMimeObject *o, struct place at)
{
	struct node n;
	if (!budget_take_nesting(&w->budget, at.nesting) || !o || !node_begin(w, &n, at))
		return;
	describe(w, &n, o);
	if (GMIME_IS_MULTIPART(o))
		walk_multipart(w, GMIME_MULTIPART(o), &n, at);
	else if (GMIME_IS_MESSAGE_PART(o))
		walk_message_part(w, GMIME_MESSAGE_PART(o), &n, at);
	else if (GMIME_IS_PART(o))
		walk_leaf(w, GMIME_PART(o), &n, at);
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

static void walk_by_library(struct walk *w, struct slice bytes, struct place *at, struct parsed *p)
{
	parse(w, bytes, p);
	if (p->message && !walk_stopped(w))
		walk_parsed_message(w, p->message, *at);
	at->index++;
}

GMimeParserOptions *walk_options_new(struct walk *w)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	g_mime_parser_options_set_warning_callback(options, note_warning, w);
	return options;
}

void walk_message_bytes(struct walk *w, struct slice bytes, struct place *place)
{
	struct parsed p = { .message = NULL };
	struct place at = *place;
	if (bytes.n == 0 || !budget_take_nesting(&w->budget, at.nesting) || !walk_deeper(w, &at))
		return;
	if (bytes.n > MAIL_MAX_BYTES) {
		walk_limit(w, "Mail too large to be taken apart");
		return;
	}
	view_begin(w, bytes);
	if (!view_limit(w))
		walk_by_library(w, bytes, &at, &p);
	view_end(w, &at);
	place->index = at.index;
	if (p.message)
		g_object_unref(p.message);
}
