/* tree.c - see tree.h. It keeps what it is told and judges nothing. */
#include "config.h"

#include "opener/tree.h"

#include <string.h>
#include <talloc.h>

static const char **copy_texts(void *owner, const char *const *texts, uint32_t count)
{
	if (count == 0)
		return NULL;
	const char **copies = talloc_array(owner, const char *, count);
	for (uint32_t i = 0; i < count; i++)
		copies[i] = talloc_strdup(owner, texts[i]);
	return copies;
}

struct part *tree_add(struct opener_tree *t, const struct part_record *record)
{
	if (t->count == t->size) {
		t->size = t->size ? t->size * 2 : 16;
		t->parts = talloc_realloc(t->owner, t->parts, struct part, t->size);
	}
	void *owner = t->owner;
	struct part *p = &t->parts[t->count++];
	*p = (struct part){
		.number = record->number, .parent = record->parent, .index_in_parent = record->index_in_parent,
		.has_file = record->has_file, .attributes = record->attributes, .size_bytes = record->size_bytes,
		.digest = talloc_strdup(owner, record->digest), .decoder = talloc_strdup(owner, record->decoder), .note = talloc_strdup(owner, record->note),
		.type_short = talloc_strdup(owner, record->type_short), .type_full = talloc_strdup(owner, record->type_full),
		.mime_type_count = record->mime_type_count, .mime_types = copy_texts(owner, record->mime_types, record->mime_type_count),
		.name_count = record->name_count, .names = copy_texts(owner, record->names, record->name_count),
	};
	const struct part *above = p->parent > 0 && p->parent < p->number ? tree_part(t, p->parent) : NULL;
	p->mime_type = p->mime_type_count > 0 ? p->mime_types[0] : NULL;
	p->level = above ? above->level + 1 : 1;
	p->placement = above ? talloc_asprintf(owner, "%s/%u", above->placement, p->index_in_parent) : talloc_asprintf(owner, "%u", p->index_in_parent);
	return p;
}

struct part *tree_part(const struct opener_tree *t, uint32_t number)
{
	return &t->parts[number - 1];
}

struct part_record tree_record(const struct part *p)
{
	return (struct part_record){
		.number = p->number, .parent = p->parent, .index_in_parent = p->index_in_parent,
		.has_file = p->has_file, .attributes = p->attributes, .size_bytes = p->size_bytes,
		.digest = p->digest, .decoder = p->decoder, .note = p->note, .type_short = p->type_short, .type_full = p->type_full,
		.mime_type_count = p->mime_type_count, .mime_types = p->mime_types, .name_count = p->name_count, .names = p->names,
	};
}

bool tree_type_in(const char *list, char separator, const char *type, size_t length)
{
	for (const char *at = list; at && *at;) {
		const char *end = strchrnul(at, separator);
		if ((size_t)(end - at) == length && memcmp(at, type, length) == 0)
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

bool tree_is_of_type(const struct part *p, const char *type)
{
	return tree_type_in(p->type_short, ',', type, strlen(type));
}
