/* edit.c - the list of header edits of one transaction or quarantine copy.
 *
 * It only collects: nothing here reads the mail.  What comes from outside (a
 * scanner's text in an alert field, say) cannot end the field it stands in. */
#include "config.h"

#include <string.h>
#include <strings.h>
#include <talloc.h>

#include <glib.h>

#include "mail/edit_private.h"

struct edit_list *edit_list_new(void *owner)
{
	struct edit_list *l = talloc_zero(owner, struct edit_list);

	l->prepended = talloc_strdup(l, "");
	return l;
}

/* RFC 5322 3.6.8: printable US-ASCII but the colon. */
static void append_name(GString *out, const char *name)
{
	for (; *name; name++)
		g_string_append_c(out, *name > ' ' && *name < 0x7f && *name != ':' ? *name : '-');
}

/* A line end must be followed by a blank, or what follows would be a field of its own. */
static void append_body(GString *out, const char *body)
{
	size_t n = strlen(body);

	while (n > 0 && (body[n - 1] == '\n' || body[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)body[i];

		if (c == '\r')
			continue;
		if (c < ' ' && c != '\n' && c != '\t')
			c = '?';
		g_string_append_c(out, (char)c);
		if (c == '\n' && body[i + 1] != ' ' && body[i + 1] != '\t')
			g_string_append_c(out, ' ');
	}
	g_string_append_c(out, '\n');
}

void edit_prepend(struct edit_list *l, const char *name, const char *body)
{
	GString *field = g_string_new(NULL);
	char *whole;

	append_name(field, name);
	g_string_append(field, *body == '\n' ? ":" : ": ");
	append_body(field, body);
	whole = talloc_asprintf(l, "%s%s", field->str, l->prepended);
	g_string_free(field, TRUE);
	talloc_free(l->prepended);
	l->prepended = whole;
}

void edit_remove(struct edit_list *l, const char *name)
{
	unsigned at = 0;

	while (at < l->remove_count && strcasecmp(l->removes[at], name) < 0)
		at++;
	if (at < l->remove_count && strcasecmp(l->removes[at], name) == 0)
		return;
	l->removes = talloc_realloc(l, l->removes, char *, l->remove_count + 1);
	memmove(l->removes + at + 1, l->removes + at, (l->remove_count - at) * sizeof *l->removes);
	l->removes[at] = talloc_strdup(l->removes, name);
	for (char *c = l->removes[at]; *c; c++)
		*c = g_ascii_tolower(*c);
	l->remove_count++;
}

/* Where the replacement of the field at `offset` stands, or would. */
static unsigned replacement_place(const struct edit_list *l, uint64_t offset)
{
	unsigned from = 0, to = l->replacement_count;

	while (from < to) {
		unsigned middle = from + (to - from) / 2;

		if (l->replacements[middle].offset < offset)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_there(const struct edit_list *l, unsigned at, uint64_t offset)
{
	return at < l->replacement_count && l->replacements[at].offset == offset;
}

void edit_replace(struct edit_list *l, const struct header_field *f, const char *field, size_t n)
{
	unsigned at = replacement_place(l, f->offset);
	struct edit_replacement *r;

	if (!is_there(l, at, f->offset)) {
		l->replacements = talloc_realloc(l, l->replacements, struct edit_replacement, l->replacement_count + 1);
		memmove(l->replacements + at + 1, l->replacements + at, (l->replacement_count - at) * sizeof *l->replacements);
		l->replacements[at] = (struct edit_replacement){ .offset = f->offset };
		l->replacement_count++;
	}
	r = &l->replacements[at];
	talloc_free(r->field);
	r->field = talloc_memdup(l->replacements, field, n);
	r->n = n;
}

const struct edit_replacement *edit_list_replacement(const struct edit_list *l, const struct header_field *f)
{
	unsigned at = replacement_place(l, f->offset);

	return is_there(l, at, f->offset) ? &l->replacements[at] : NULL;
}

static bool replacements_equal(const struct edit_list *a, const struct edit_list *b)
{
	if (a->replacement_count != b->replacement_count)
		return false;
	for (unsigned i = 0; i < a->replacement_count; i++) {
		const struct edit_replacement *x = &a->replacements[i], *y = &b->replacements[i];

		if (x->offset != y->offset || x->n != y->n || memcmp(x->field, y->field, x->n) != 0)
			return false;
	}
	return true;
}

bool edit_list_equal(const struct edit_list *a, const struct edit_list *b)
{
	if (strcmp(a->prepended, b->prepended) != 0 || a->remove_count != b->remove_count)
		return false;
	for (unsigned i = 0; i < a->remove_count; i++)
		if (strcmp(a->removes[i], b->removes[i]) != 0)
			return false;
	return replacements_equal(a, b);
}

bool edit_list_removes(const struct edit_list *l, const struct header *h, const struct header_field *f)
{
	if (f->name_length == 0 || f->offset + f->name_length > h->length)
		return false;
	/* not f->name, which is cut */
	for (unsigned i = 0; i < l->remove_count; i++)
		if (strlen(l->removes[i]) == f->name_length
		    && strncasecmp(l->removes[i], h->text + f->offset, f->name_length) == 0)
			return true;
	return false;
}

bool edit_header_has_8bit(const struct header *h, const struct edit_list *l)
{
	for (const char *c = l ? l->prepended : ""; *c; c++)
		if ((unsigned char)*c >= 0x80)
			return true;
	for (unsigned k = 0; l && k < l->replacement_count; k++)
		for (size_t i = 0; i < l->replacements[k].n; i++)
			if ((unsigned char)l->replacements[k].field[i] >= 0x80)
				return true;
	for (uint64_t i = 0; h && h->text && i < h->length; i++)
		if ((unsigned char)h->text[i] >= 0x80)
			return true;
	return false;
}
