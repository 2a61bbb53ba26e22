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

/* --- tags of earlier passes --- */

/* "=?charset?B?text?=" at the beginning of s; 0: it is none. */
static size_t encoded_word_bytes(struct span s)
{
	unsigned marks = 0;
	if (!begins(s, "=?"))
		return 0;
	for (size_t i = 2; i < s.n && s.at[i] > ' '; i++) {
		marks += s.at[i] == '?';
		if (marks == 3 && i + 1 < s.n && s.at[i + 1] == '=')
			return i + 2;
	}
	return 0;
}

/* Bytes of the tag where it stands at the beginning of s; a line that was folded there has taken its blanks. */
static size_t tag_bytes(struct span s, const char *tag, size_t bare)
{
	if (begins(s, tag))
		return strlen(tag);
	bool folded = s.n > bare && memcmp(s.at, tag, bare) == 0 && starts_a_line_end(without(s, bare));
	return folded ? bare : 0;
}

/* A reply keeps the tag behind its "Re:". What is within an encoded-word is left alone: letters of base64 may look like a tag. */
static GString *without_tags(struct span rest, const char *tag)
{
	GString *out = g_string_new(NULL);
	size_t bare = strlen(tag);
	while (bare > 0 && tag[bare - 1] == ' ')
		bare--;
	bool may = strlen(tag) >= REPEATED_TAG_BYTES_MIN && bare > 0 && is_printable_ascii(tag);
	while (rest.n > 0) {
		size_t word = encoded_word_bytes(rest), n = word || !may ? 0 : tag_bytes(rest, tag, bare);
		size_t keep = n ? 0 : word ? word : 1;
		g_string_append_len(out, rest.at, (gssize)keep);
		rest = without(rest, n + keep);
	}
	return out;
}

/* An encoded one only in front, with the blank that it has behind it. */
static struct span without_coded_tag(struct span rest, const char *tag, const char *coded)
{
	if (strlen(tag) < REPEATED_TAG_BYTES_MIN || !begins(rest, coded))
		return rest;
	rest = without(rest, strlen(coded));
	return begins(rest, " ") ? without(rest, 1) : rest;
}

static char *tagged(struct span field, size_t name_length, const char *tag, void *owner, size_t *n)
{
	char *coded = subject_encode(tag, owner);
	GString *kept = without_tags(without_coded_tag(body_of(field, name_length), tag, coded), tag);
	struct span rest = { kept->str, kept->len };
	GString *out = g_string_new_len(field.at, (gssize)name_length);
	g_string_append(out, ": ");
	g_string_append(out, coded);
	append_joint(out, strcmp(coded, tag) != 0, rest);
	g_string_append_len(out, rest.at, (gssize)rest.n);
	*n = out->len;
	char *made = talloc_memdup(owner, out->str, out->len + 1);
	g_string_free(out, TRUE);
	g_string_free(kept, TRUE);
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

static void tag_field(struct edit_list *l, const struct header *h, const struct header_field *f, const char *tag)
{
	size_t n;
	char *field = tagged(field_now(l, h, f), f->name_length, tag, l, &n);
	edit_replace(l, f, field, n);
	talloc_free(field);
}

static bool is_subject(const struct header_field *f)
{
	return f->name_length == strlen("subject") && g_ascii_strcasecmp(f->name, "subject") == 0;
}

void subject_add_tag(struct edit_list *l, const struct header *h, const char *tag)
{
	bool any = false;
	for (unsigned i = 0; i < h->count && *tag; i++)
		if (is_subject(&h->fields[i])) {
			tag_field(l, h, &h->fields[i], tag);
			any = true;
		}
	if (!any && *tag) {
		char *coded = subject_encode(tag, l);
		edit_prepend(l, "Subject", g_strchomp(coded));
		talloc_free(coded);
	}
}
