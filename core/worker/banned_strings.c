/* banned_strings.c - see banned_strings.h.
 *
 * Names are told as they were declared and, where readers would make another
 * name of them, in that reading too: a rule that forbids any of them forbids the part. */
#include "worker/banned_strings.h"

#include <string.h>
#include <talloc.h>

#include "wire/records.h"

static const struct { unsigned attribute; const char *word; } words[] = {
	{ PART_UNDECODABLE, "UNDECIPHERABLE" }, { PART_CRYPTED, "ENCRYPTED" }, { PART_AMBIGUOUS, "AMBIGUOUS" },
	{ PART_MACRO, "MACRO" }, { PART_AUTOEXEC, "AUTOEXEC" },
};

/* --- readings of a name --- */

/* Characters that are not seen, or only turn the reading direction: they hide an extension from people, not from programs. */
static bool is_invisible(gunichar c)
{
	return g_unichar_type(c) == G_UNICODE_FORMAT || g_unichar_type(c) == G_UNICODE_CONTROL;
}

/* Octets that are no UTF-8 stay as they are. */
static char *without_invisible(const char *name)
{
	GString *out = g_string_new(NULL);
	for (const char *p = name; *p;) {
		gunichar c = g_utf8_get_char_validated(p, -1);
		size_t n = c >= (gunichar)-2 ? 1 : (size_t)(g_utf8_next_char(p) - p);
		if (c >= (gunichar)-2 || !is_invisible(c))
			g_string_append_len(out, p, (gssize)n);
		p += n;
	}
	return g_string_free(out, FALSE);
}

/* Wide and other look-alike forms of letters and dots as the plain ones, which programs make of them. */
static char *folded(char *name)
{
	char *plain = g_utf8_validate(name, -1, NULL) ? g_utf8_normalize(name, -1, G_NORMALIZE_NFKC) : NULL;
	if (!plain)
		return name;
	g_free(name);
	return plain;
}

/* Windows drops blanks and dots from the end of a name, and what stands behind a colon names a stream of the file; readers drop
 * quotes, and what no file may be called. */
static void cut_as_readers_do(char *name)
{
	char *slash = strrchr(name, '/'), *backslash = strrchr(name, '\\');
	char *base = slash > backslash ? slash : backslash;
	char *colon = strchr(base ? base : name, ':');
	if (colon && colon - name > 1)
		*colon = '\0';
	size_t n = strlen(name);
	while (n > 0 && strchr(". '\"`<>|?*/\\", name[n - 1]))
		name[--n] = '\0';
}

/* A name that is all extension (".vbs") looks like a type: rules that want something in front of the dot see the folder it is in. */
static void add_name(GPtrArray *to, const char *name, void *owner)
{
	char *read = folded(without_invisible(name));
	cut_as_readers_do(read);
	g_ptr_array_add(to, talloc_strdup(owner, name));
	if (*read && strcmp(read, name) != 0)
		g_ptr_array_add(to, talloc_strdup(owner, read));
	if (*read == '.')
		g_ptr_array_add(to, talloc_asprintf(owner, "./%s", read));
	g_free(read);
}

/* --- keys --- */

typedef void (*type_fn)(void *context, const char *type);

static void each_type(const struct part *p, type_fn fn, void *context)
{
	char **types = g_strsplit(p->type_short ? p->type_short : "", ",", -1);
	for (char **t = types; *t; t++)
		if (**t)
			fn(context, *t);
	g_strfreev(types);
}

struct collecting { GPtrArray *to; void *owner; };

static void add_type(void *context, const char *type)
{
	struct collecting *c = context;
	g_ptr_array_add(c->to, talloc_asprintf(c->owner, ".%s", type));
}

void banned_strings_add(GPtrArray *to, const struct part *p, void *owner)
{
	struct collecting c = { to, owner };
	for (unsigned i = 0; i < p->mime_type_count; i++)
		g_ptr_array_add(to, talloc_strdup(owner, p->mime_types[i]));
	each_type(p, add_type, &c);
	for (unsigned i = 0; i < p->name_count; i++)
		add_name(to, p->names[i], owner);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (p->attributes & words[i].attribute)
			g_ptr_array_add(to, talloc_strdup(owner, words[i].word));
}

/* --- as text --- */

static void join(GString *out, const char *separator, const char *prefix, const char *text)
{
	if (out->len > 0)
		g_string_append(out, separator);
	g_string_append(out, prefix);
	g_string_append(out, text);
}

static char *to_owner(GString *text, void *owner)
{
	char *copy = talloc_strdup(owner, text->str);
	g_string_free(text, TRUE);
	return copy;
}

static void join_type_short(void *context, const char *type)
{
	join(context, ",", ".", type);
}

char *banned_strings_short(const struct part *p, void *owner)
{
	GString *out = g_string_new(NULL);
	for (unsigned i = 0; i < p->mime_type_count; i++)
		join(out, ",", "", p->mime_types[i]);
	each_type(p, join_type_short, out);
	for (unsigned i = 0; i < p->name_count; i++)
		join(out, ",", "", p->names[i]);
	return to_owner(out, owner);
}

struct joining { GString *out; const char *separator; };

/* A name that holds a separator would look like other keys, or like a node of its own, and a rule could be led past it. */
static void join_declared(GString *out, const char *separator, const char *prefix, const char *text)
{
	char *one = g_strdelimit(g_strdup(text), "\t\r\n", ' ');
	join(out, separator, prefix, one);
	g_free(one);
}

static void join_type(void *context, const char *type)
{
	struct joining *j = context;
	join(j->out, j->separator, "T=", type);
}

char *banned_strings_attributes(const struct part *p, const char *separator, void *owner)
{
	struct joining j = { g_string_new(NULL), separator };
	char number[24];
	g_snprintf(number, sizeof number, "P=p%03u", p->number);
	join(j.out, separator, number, "");
	join(j.out, separator, "L=", p->placement ? p->placement : "");
	for (unsigned i = 0; i < p->mime_type_count; i++)
		join_declared(j.out, separator, "M=", p->mime_types[i]);
	each_type(p, join_type, &j);
	for (unsigned i = 0; i < p->name_count; i++)
		join_declared(j.out, separator, "N=", p->names[i]);
	for (unsigned bit = 0; PART_ATTRIBUTE_LETTERS[bit]; bit++)
		if (p->attributes & ~(unsigned)PART_SPARED & (1u << bit))	/* spared is between opener and scanners only */
			join(j.out, separator, "A=", (char[2]){ PART_ATTRIBUTE_LETTERS[bit] });
	return to_owner(j.out, owner);
}
