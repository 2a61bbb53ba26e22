/* node.c - a part under way: its number, names and types, until it is a part of the tree. */
#include "config.h"

#include "opener/walk.h"

#include <string.h>

#include "opener/names.h"
#include "opener/types.h"

bool node_begin(struct walk *w, struct node *n, struct place at)
{
	if (w->broken || !budget_take_part(&w->budget))
		return false;
	*n = (struct node){ .names = g_ptr_array_new_with_free_func(g_free), .mime_types = g_ptr_array_new_with_free_func(g_free) };
	n->record.number = (uint32_t)w->budget.parts;
	n->record.parent = at.parent;
	n->record.index_in_parent = at.index;
	return true;
}

void node_add_attributes(struct node *n, unsigned attributes)
{
	n->record.attributes |= (uint16_t)attributes;
}

void node_add_name(struct node *n, const char *name)
{
	if (!names_add(n->names, name))
		node_add_attributes(n, PART_AMBIGUOUS);
}

void node_send(struct walk *w, struct node *n)
{
	n->record.mime_type_count = n->mime_types->len;
	n->record.mime_types = (const char **)n->mime_types->pdata;
	n->record.names = (const char **)n->names->pdata;
	for (guint i = 0; i < n->names->len && budget_take_name(&w->budget, strlen(n->record.names[i])); i++)
		n->record.name_count = i + 1;
	tree_add(w->tree, &n->record);
}

void node_clear(struct node *n)
{
	g_ptr_array_free(n->names, TRUE);
	g_ptr_array_free(n->mime_types, TRUE);
	n->names = n->mime_types = NULL;
}

static bool is_declared_mail(const struct node *n)
{
	static const char *const kinds[] = { "message/rfc822", "message/global", "message/news", "message/partial", "message/external-body" };
	for (guint i = 0; i < n->mime_types->len; i++)
		for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
			if (strcmp(g_ptr_array_index(n->mime_types, i), kinds[k]) == 0)
				return true;
	return false;
}

void node_find_type(struct node *n, const struct type_content *c, struct type_guess *guess)
{
	types_guess_content(c, guess);
	if (is_declared_mail(n))
		strcpy(guess->shorts, "mail");
	n->record.type_short = guess->shorts;
	n->record.type_full = guess->full;
	bool encrypted = types_is_encrypted(c->data, c->n, guess);
	n->embeds = guess->embeds;
	n->locked = encrypted && tree_type_in(guess->shorts, ',', "zip", 3);
	if (encrypted && !n->locked)
		node_add_attributes(n, PART_CRYPTED);
}
