/* subject.c - see subject.h. It never decodes what the sender wrote: what is not the tag is copied. */
#include "config.h"
#include "mail/subject.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "mail/edit_private.h"

#define WORD_BYTES_MAX 45	/* of text in one encoded-word: 60 of base64, 75 with what stands around (RFC 2047 2) */
#define REPEATED_TAG_BYTES_MIN 3
#define LINE_BYTES_MAX 998

/* --- the tag --- */

static bool is_printable_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* As many bytes of text as fit into one word, never half a character. */
static size_t word_bytes(const char *text)
{
	const char *end = text;
	while (*end && g_utf8_next_char(end) - text <= WORD_BYTES_MAX)
		end = g_utf8_next_char(end);
	return (size_t)(end - text);
}

char *subject_encode(const char *text, void *owner)
{
	if (is_printable_ascii(text))
		return talloc_strdup(owner, text);
	gchar *valid = g_utf8_make_valid(text, -1);
	char *out = talloc_strdup(owner, "");
	for (const char *at = valid; *at;) {
		size_t n = word_bytes(at);
		gchar *coded = g_base64_encode((const guchar *)at, n);
		out = talloc_asprintf_append(out, "%s=?UTF-8?B?%s?=", at == valid ? "" : " ", coded);
		g_free(coded);
		at += n;
	}
	g_free(valid);
	return out;
}

/* --- the field --- */

struct span { const char *at; size_t n; };

static bool begins(struct span s, const char *with)
{
	size_t n = strlen(with);
	return s.n >= n && memcmp(s.at, with, n) == 0;
}

static struct span without(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.n - n };
}

/* What stands behind the colon, the blanks of its first line left out. */
static struct span body_of(struct span field, size_t name_length)
{
	const char *colon = memchr(field.at + name_length, ':', field.n - name_length);
	struct span body = without(field, colon ? (size_t)(colon - field.at) + 1 : field.n);
	while (body.n > 0 && (*body.at == ' ' || *body.at == '\t'))
		body = without(body, 1);
	return body;
}

static bool starts_a_line_end(struct span s)
{
	return begins(s, "\r\n") || begins(s, "\n");
}

/* A blank in front of a line end would be seen as one more where the line is unfolded, or not at all. */
static void cut_blanks(GString *out)
{
	while (out->len > 0 && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
}

static size_t first_line_bytes(struct span s)
{
	const char *end = memchr(s.at, '\n', s.n);
	return end ? (size_t)(end - s.at) : s.n;
}

/* Between tag and text: an encoded-word wants a blank on either side (RFC 2047 5), a line wants an end. */
static void append_joint(GString *out, bool tag_is_encoded, struct span rest)
{
	bool has_blank = out->str[out->len - 1] == ' ';
	if (starts_a_line_end(rest)) {
		cut_blanks(out);
		return;
	}
	if (out->len + first_line_bytes(rest) > LINE_BYTES_MAX && (has_blank || tag_is_encoded)) {
		cut_blanks(out);
		g_string_append(out, "\r\n ");
	} else if (!has_blank && (tag_is_encoded || begins(rest, "=?"))) {
		g_string_append_c(out, ' ');
	}
}

/* The tag of an earlier pass goes, with the blank that an encoded one has behind it. */
static struct span without_tag(struct span rest, const char *tag, const char *coded)
{
	if (strlen(tag) < REPEATED_TAG_BYTES_MIN)
		return rest;
	if (begins(rest, tag))
		return without(rest, strlen(tag));
	if (!begins(rest, coded))
		return rest;
	rest = without(rest, strlen(coded));
	return begins(rest, " ") ? without(rest, 1) : rest;
}

static char *tagged(struct span field, size_t name_length, const char *tag, void *owner, size_t *n)
{
	char *coded = subject_encode(tag, owner);
	struct span rest = without_tag(body_of(field, name_length), tag, coded);
	GString *out = g_string_new_len(field.at, (gssize)name_length);
	g_string_append(out, ": ");
	g_string_append(out, coded);
	append_joint(out, strcmp(coded, tag) != 0, rest);
	g_string_append_len(out, rest.at, (gssize)rest.n);
	*n = out->len;
	char *made = talloc_memdup(owner, out->str, out->len + 1);
	g_string_free(out, TRUE);
	talloc_free(coded);
	return made;
}

char *subject_tagged(const struct header *h, const struct header_field *f, const char *tag, void *owner, size_t *n)
{
	return tagged((struct span){ h->text + f->offset, f->length }, f->name_length, tag, owner, n);
}

/* The field as it will go out: a repair of the header may have replaced it. */
static struct span field_now(const struct edit_list *l, const struct header *h, const struct header_field *f)
{
	const struct edit_replacement *r = edit_list_replacement(l, f);
	return r ? (struct span){ r->field, r->n } : (struct span){ h->text + f->offset, f->length };
}

void subject_add_tag(struct edit_list *l, const struct header *h, const char *tag)
{
	const struct header_field *f = header_find(h, "subject");
	size_t n;
	if (!*tag)
		return;
	if (!f) {
		char *coded = subject_encode(tag, l);
		edit_prepend(l, "Subject", g_strchomp(coded));
		talloc_free(coded);
		return;
	}
	char *field = tagged(field_now(l, h, f), f->name_length, tag, l, &n);
	edit_replace(l, f, field, n);
	talloc_free(field);
}
