/* table.c - the .def files as one constant table.
 *
 * The words of the .def files stand only here for the enumerators they mean.
 * Nothing in here knows what a setting is used for. */
#include "config/config.h"
#include "config/types.h"

#define BANK SETTING_BANK
#define GLOBAL SETTING_GLOBAL
#define SECRET SETTING_SECRET
#define DEFINED SETTING_DEFINED
#define AFTER SETTING_AFTER

const struct setting_definition setting_definitions[SETTING_COUNT] = {
#define SETTING(word, kind, value, bits, state, text) \
	[SET_##word] = { .name = #word, .type = SETTING_TYPE_##kind, .flags = (bits), .status = SETTING_##state, \
		.default_source = value, .doc = text },
#include "config/settings/all.def"
#undef SETTING
};

static const struct setting_bounds setting_bounds[] = {
#define BOUNDS(word, least, most) { .setting = SET_##word, .min = least, .max = most },
#include "config/settings/bounds.def"
#undef BOUNDS
};

const struct setting_bounds *setting_bounds_of(int setting)
{
	for (size_t i = 0; i < sizeof setting_bounds / sizeof setting_bounds[0]; i++)
		if (setting_bounds[i].setting == setting)
			return &setting_bounds[i];
	return NULL;
}

const struct setting_field setting_fields[] = {
#define FIELD(word, sql, ldap, kind) { .setting = SET_##word, .names = { [RECORD_SQL] = sql, [RECORD_LDAP] = ldap }, .type = RECORD_##kind },
#include "config/settings/fields.def"
#undef FIELD
};
const size_t setting_field_count = sizeof setting_fields / sizeof setting_fields[0];

const struct setting_field *setting_field_of(int setting)
{
	for (size_t i = 0; i < setting_field_count; i++)
		if (setting_fields[i].setting == setting)
			return &setting_fields[i];
	return NULL;
}

const struct setting_alias setting_aliases[] = {
#define ALIAS(word, target) { .name = #word, .setting = #target },
#include "config/settings/aliases.def"
#undef ALIAS
};
const size_t setting_alias_count = sizeof setting_aliases / sizeof setting_aliases[0];

static const char *const type_texts[SETTING_TYPE_COUNT] = {
	[SETTING_TYPE_BOOLEAN] = "true or false",
	[SETTING_TYPE_INTEGER] = "a whole number",
	[SETTING_TYPE_FLOAT] = "a number",
	[SETTING_TYPE_SIZE] = "a number of bytes (or \"64k\", \"10M\", \"2G\")",
	[SETTING_TYPE_SECONDS] = "a number of seconds (or \"30s\", \"5m\", \"2h\")",
	[SETTING_TYPE_STRING] = "a string",
	[SETTING_TYPE_STRINGS] = "a string or a list of strings",
	[SETTING_TYPE_DESTINY] = "D_PASS, D_BOUNCE, D_REJECT, D_DISCARD or D_TEMPFAIL",
	[SETTING_TYPE_METHODS] = "\"scheme:rest\" or a list of them",
	[SETTING_TYPE_MAPS] = "a list of lookup tables",
	[SETTING_TYPE_TABLE] = "a lookup table or a constant",
	[SETTING_TYPE_CCAT] = "a table of content category (CC_VIRUS, \"CC_UNCHECKED,1\") to value",
	[SETTING_TYPE_CCAT_MAPS] = "a table of content category (CC_VIRUS, \"CC_UNCHECKED,1\") to value or list of lookup tables",
	[SETTING_TYPE_HASH] = "a table of string to value",
	[SETTING_TYPE_SCANNERS] = "a list of what plugins' constructors return",
	[SETTING_TYPE_PAIRS] = "a list of pairs { table, \"BANK\" }",
	[SETTING_TYPE_BANKS] = "a table of bank name to settings",
	[SETTING_TYPE_RULES] = "a table of name to lookup table",
	[SETTING_TYPE_DSN] = "a database address or a list of them",
	[SETTING_TYPE_CLAUSES] = "a table of name to SQL statement",
	[SETTING_TYPE_FUNCTION] = "a function",
	[SETTING_TYPE_ANYTHING] = "any value",
#define CHOICES(word, choices) [SETTING_TYPE_ENUM_##word] = "one of " choices,
	SETTING_ENUMERATIONS(CHOICES)
#undef CHOICES
};

static const char *const type_choices[SETTING_TYPE_COUNT] = {
#define CHOICES(word, choices) [SETTING_TYPE_ENUM_##word] = choices,
	SETTING_ENUMERATIONS(CHOICES)
#undef CHOICES
};

const char *setting_type_text(enum setting_type type)
{
	return type_texts[type];
}

const char *setting_type_choices(enum setting_type type)
{
	return type_choices[type];
}
