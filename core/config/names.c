/* names.c - the names that a configuration may use: settings, their other spellings, categories and destinies. */
#include "config.h"

#include "config/inside.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"
#include "mail/mail.h"

const struct constant constants[] = {
	{ "D_TEMPFAIL", D_TEMPFAIL }, { "D_REJECT", D_REJECT }, { "D_BOUNCE", D_BOUNCE }, { "D_DISCARD", D_DISCARD }, { "D_PASS", D_PASS },
	{ "CC_CATCHALL", CC_CATCHALL }, { "CC_CLEAN", CC_CLEAN }, { "CC_MTA", CC_MTA }, { "CC_OVERSIZED", CC_OVERSIZED },
	{ "CC_BADH", CC_BADH }, { "CC_SPAMMY", CC_SPAMMY }, { "CC_SPAM", CC_SPAM }, { "CC_UNCHECKED", CC_UNCHECKED },
	{ "CC_BANNED", CC_BANNED }, { "CC_VIRUS", CC_VIRUS }, { NULL, 0 }
};

const struct setting_definition *definition(enum setting_id id)
{
	return &setting_definitions[id];
}

const char *setting_name(enum setting_id id)
{
	return setting_definitions[id].name;
}

GHashTable *names_new(void)
{
	GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);

	for (int i = 0; i < SETTING_COUNT; i++)
		g_hash_table_insert(names, (gpointer)setting_definitions[i].name, GINT_TO_POINTER(i + 1));
	for (size_t i = 0; i < setting_alias_count; i++) {
		gpointer id = g_hash_table_lookup(names, setting_aliases[i].setting);

		if (id)
			g_hash_table_insert(names, (gpointer)setting_aliases[i].name, id);
	}
	return names;
}

bool name_find(const struct config *c, const char *name, enum setting_id *id)
{
	int found = GPOINTER_TO_INT(g_hash_table_lookup(c->names, name));

	if (found)
		*id = (enum setting_id)(found - 1);
	return found != 0;
}

bool type_has_keys(enum setting_type type)
{
	switch (type) {
	case SETTING_TYPE_CCAT: case SETTING_TYPE_CCAT_MAPS: case SETTING_TYPE_HASH: case SETTING_TYPE_BANKS:
	case SETTING_TYPE_RULES: case SETTING_TYPE_CLAUSES:
		return true;
	default:
		return false;
	}
}

const char *nearest_setting(const struct config *c, const char *name, void *owner)
{
	guint count;
	gpointer *all = g_hash_table_get_keys_as_array(c->names, &count);
	const char *near = text_nearest(name, (const char *const *)(void *)all, count);
	char *text = near ? talloc_asprintf(owner, "; did you mean \"%s\"?", near) : talloc_strdup(owner, "");

	g_free(all);
	return text;
}

static const struct constant *category_constant(const char *name, size_t n)
{
	for (const struct constant *k = constants; k->name; k++)
		if (!strncmp(k->name, "CC_", 3) && strlen(k->name) == n && !memcmp(k->name, name, n))
			return k;
	return NULL;
}

const char *category_key(const char *key, void *owner)
{
	size_t n = strcspn(key, ",");
	const struct constant *named = category_constant(key, n);
	char *end;
	long major = named ? named->number : strtol(key, &end, 10), minor;

	if (!named && (end == key || end != key + n))
		return NULL;
	if (major < CC_CATCHALL || major > CC_VIRUS)
		return NULL;
	if (key[n] == '\0')
		return talloc_asprintf(owner, "%ld", major);
	minor = strtol(key + n + 1, &end, 10);
	if (end == key + n + 1 || *end || minor < 0 || minor > 255)
		return NULL;
	return minor ? talloc_asprintf(owner, "%ld,%ld", major, minor) : talloc_asprintf(owner, "%ld", major);
}

const char *category_name(const char *key, void *owner)
{
	const char *comma = strchr(key, ',');
	int number = atoi(key);

	for (const struct constant *k = constants; k->name; k++)
		if (!strncmp(k->name, "CC_", 3) && k->number == number)
			return talloc_asprintf(owner, "%s%s", k->name, comma ? comma : "");
	return talloc_strdup(owner, key);
}

bool destiny_number(const char *name, int64_t *number)
{
	for (const struct constant *k = constants; k->name; k++)
		if (k->name[0] == 'D' && !strcmp(k->name, name)) {
			*number = k->number;
			return true;
		}
	return false;
}

const char *destiny_name(int64_t number)
{
	for (const struct constant *k = constants; k->name; k++)
		if (k->name[0] == 'D' && k->number == number)
			return k->name;
	return NULL;
}

int compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}
