/* statements.c - the prepared statements of one connection, by text; the one used longest ago gives way. */
#include "statements.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct statement *slot_of(struct statements *s, const char *text)
{
	for (size_t k = 0; k < STATEMENTS_MAX; k++)
		if (s->slots[k].text && strcmp(s->slots[k].text, text) == 0)
			return &s->slots[k];
	return NULL;
}

static void *empty_slot(struct statement *slot)
{
	void *handle = slot->handle;
	free(slot->text);
	*slot = (struct statement){ .text = NULL };
	return handle;
}

void *statements_find(struct statements *s, const char *text)
{
	struct statement *slot = slot_of(s, text);
	if (!slot)
		return NULL;
	slot->used = ++s->clock;
	return slot->handle;
}

void *statements_make_room(struct statements *s)
{
	struct statement *oldest = &s->slots[0];
	for (size_t k = 0; k < STATEMENTS_MAX; k++) {
		if (!s->slots[k].text)
			return NULL;
		if (s->slots[k].used < oldest->used)
			oldest = &s->slots[k];
	}
	return empty_slot(oldest);
}

void statements_keep(struct statements *s, const char *text, void *handle)
{
	for (size_t k = 0; k < STATEMENTS_MAX; k++) {
		if (s->slots[k].text)
			continue;
		s->slots[k] = (struct statement){ .text = strdup(text), .handle = handle, .used = ++s->clock };
		return;
	}
}

void *statements_forget(struct statements *s, const char *text)
{
	struct statement *slot = slot_of(s, text);
	return slot ? empty_slot(slot) : NULL;
}

void *statements_forget_any(struct statements *s)
{
	for (size_t k = 0; k < STATEMENTS_MAX; k++)
		if (s->slots[k].text)
			return empty_slot(&s->slots[k]);
	return NULL;
}

/* Where a comment at p ends; p: none begins there, or one that servers see differently: MySQL carries out what stands in some,
 * and for PostgreSQL one within another does not end it. */
static const char *after_comment(const char *p)
{
	if (strncmp(p, "--", 2) == 0 || *p == '#')
		return p + strcspn(p, "\n");
	if (strncmp(p, "/*", 2) != 0 || p[2] == '!' || strncmp(p + 2, "M!", 2) == 0)
		return p;
	const char *end = strstr(p + 2, "*/"), *inner = strstr(p + 2, "/*");
	return end && inner && inner < end ? p : end ? end + 2 : p + strlen(p);
}

const char *statement_begins(const char *text)
{
	for (const char *before = NULL; before != text;) {
		before = text;
		while (isspace((unsigned char)*text))
			text++;
		text = after_comment(text);
	}
	return text;
}

bool statement_only_reads(const char *text)
{
	while (*(text = statement_begins(text)) == '(')
		text++;
	return strncasecmp(text, "select", 6) == 0 && !isalnum((unsigned char)text[6]);
}
