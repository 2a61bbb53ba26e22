/* ldap_filter.c - expands templates; whatever an address brings along is escaped byte by byte. */
#include "ldap_filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is neither letter, digit nor one of `plain` becomes \XX: this holds for RFC 4515 and RFC 4514 alike. */
static void put_escaped(FILE *out, const char *text, size_t size, const char *plain)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x80 && c && (isalnum(c) || strchr(plain, c)))
			fputc(c, out);
		else
			fprintf(out, "\\%02x", c);
	}
}

static void put_value(FILE *out, const char *text, size_t size)
{
	put_escaped(out, text, size, ".@-_+");
}

static const char *last_at(const struct ldap_keys *keys)
{
	return keys->count > 0 ? strrchr(keys->v[0], '@') : NULL;
}

/* The domain as lookups write it stands in the dotted key; a domain literal has none of its own. */
static const char *domain_of(const struct ldap_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		const char *key = keys->v[i] + (keys->v[i][0] == '@');
		if (key[0] == '.')
			return key[1] ? key + 1 : last_at(keys) ? last_at(keys) + 1 : "";
	}
	return last_at(keys) ? last_at(keys) + 1 : "";
}

static size_t localpart_size(const struct ldap_keys *keys)
{
	return last_at(keys) ? (size_t)(last_at(keys) - keys->v[0]) : keys->count > 0 ? strlen(keys->v[0]) : 0;
}

static void put_placeholder(FILE *out, char letter, const struct ldap_keys *keys, const char *key)
{
	const char *address = keys->count > 0 ? keys->v[0] : "";
	switch (letter) {
	case 'm': put_value(out, key, strlen(key)); break;
	case 'a': put_value(out, address, strlen(address)); break;
	case 'l': put_value(out, address, localpart_size(keys)); break;
	case 'd': put_value(out, domain_of(keys), strlen(domain_of(keys))); break;
	default: fputc('%', out);
	}
}

static void put_piece(FILE *out, const char *piece, size_t size, const struct ldap_keys *keys, const char *key)
{
	for (size_t i = 0; i < size; i++) {
		if (piece[i] == '%' && i + 1 < size)
			put_placeholder(out, piece[++i], keys, key);
		else
			fputc(piece[i], out);
	}
}

/* "%m", but not the second half of "%%m". */
static const char *find_key_mark(const char *piece, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		if (piece[i] != '%')
			continue;
		if (piece[i + 1] == 'm')
			return piece + i;
		i++;
	}
	return NULL;
}

/* The size of the innermost parenthesis that begins here, 0: here begins none. */
static size_t innermost(const char *at)
{
	size_t size = *at == '(' ? 1 + strcspn(at + 1, "()") : 0;
	return size > 0 && at[size] == ')' ? size + 1 : 0;
}

static void put_component(FILE *out, const char *at, size_t size, const struct ldap_keys *keys)
{
	bool several = keys->count != 1 && find_key_mark(at, size);
	if (several)
		fputs("(|", out);
	for (size_t i = 0; i < (several ? keys->count : 1); i++)
		put_piece(out, at, size, keys, keys->count > 0 ? keys->v[i] : "");
	if (several)
		fputc(')', out);
}

char *ldap_filter_expand(const char *template, const struct ldap_keys *keys)
{
	char *text = NULL;
	size_t size = 0, step;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (const char *at = template; *at; at += step) {
		step = innermost(at);
		if (step > 0)
			put_component(out, at, step, keys);
		else
			fputc(*at, out);
		step = step > 0 ? step : 1;
	}
	fclose(out);
	return text;
}

static bool has_mark(const char *template, char letter)
{
	for (const char *at = template; (at = strchr(at, '%')) && at[1]; at += 2)
		if (at[1] == letter)
			return true;
	return false;
}

char *ldap_base_expand(const char *template, const struct ldap_keys *keys)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	if (has_mark(template, 'd') && !domain_of(keys)[0])
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (const char *at = template; *at; at++) {
		if (at[0] != '%')
			fputc(*at, out);
		else if (*++at == 'd')
			put_escaped(out, domain_of(keys), strlen(domain_of(keys)), ".-_");
		else
			fputc('%', out);
	}
	fclose(out);
	return text;
}

const char *ldap_base_fixed(const char *template)
{
	const char *fixed = template;
	for (const char *at = template; (at = strchr(at, '%')) && at[1]; at += 2) {
		if (at[1] == 'd') {
			const char *comma = strchr(at, ',');
			fixed = comma ? comma + 1 : at + strlen(at);
		}
	}
	return fixed;
}

static const char *marks_fault(const char *template, const char *letters, const char *fault)
{
	for (const char *at = template; (at = strchr(at, '%')); at += 2)
		if (!at[1] || !strchr(letters, at[1]))
			return fault;
	return NULL;
}

const char *ldap_base_fault(const char *template)
{
	return marks_fault(template, "d%", "expected no placeholders but %d (the domain) and %%");
}

static const char *balance_fault(const char *template)
{
	int depth = 0;
	for (const char *at = template; *at; at++) {
		depth += (*at == '(') - (*at == ')');
		if (depth < 0 || (depth == 0 && at[1]))
			return "expected one filter in parentheses, each of which is closed";
	}
	return depth == 0 && template[0] == '(' ? NULL : "expected one filter in parentheses, each of which is closed";
}

const char *ldap_filter_fault(const char *template)
{
	struct ldap_asked asked[LDAP_ASKED_MAX];
	const char *fault = marks_fault(template, "mald%", "expected no placeholders but %m (each key), %a (the address), %l (its local part), %d (its domain) and %%");
	size_t marks = 0;
	if (!fault)
		fault = balance_fault(template);
	if (fault)
		return fault;
	for (const char *at = template; (at = find_key_mark(at, strlen(at))); at += 2)
		marks++;
	if (marks != ldap_filter_asked(template, asked))
		return "expected %m once in a parenthesis, behind its \"=\": (mail=%m), in at most 8 of them";
	if (marks == 0 && !has_mark(template, 'a') && !has_mark(template, 'l'))
		return "expected %m or %a in it: without them everybody has the same entries";
	return NULL;
}

size_t ldap_filter_asked(const char *template, struct ldap_asked out[LDAP_ASKED_MAX])
{
	size_t count = 0;
	for (const char *at = template; *at && count < LDAP_ASKED_MAX; at++) {
		size_t size = innermost(at);
		const char *mark = size > 0 ? find_key_mark(at, size) : NULL;
		size_t name = size > 0 ? strcspn(at + 1, "=~<>:)") : 0;
		const char *equals = mark ? memchr(at, '=', size) : NULL;
		if (!equals || equals > mark || name == 0)
			continue;
		out[count].attribute = at + 1;
		out[count].attribute_size = name;
		out[count].before = equals + 1;
		out[count].before_size = (size_t)(mark - equals - 1);
		out[count].after = mark + 2;
		out[count].after_size = (size_t)(at + size - 1 - (mark + 2));
		count++;
	}
	return count;
}

size_t ldap_key_of_value(const struct ldap_asked *asked, const struct ldap_keys *keys, const char *value, size_t size)
{
	size_t around = asked->before_size + asked->after_size, i = 0;
	if (size < around || strncasecmp(value, asked->before, asked->before_size) != 0
	    || strncasecmp(value + size - asked->after_size, asked->after, asked->after_size) != 0)
		return keys->count;
	value += asked->before_size;
	size -= around;
	while (i < keys->count && (strlen(keys->v[i]) != size || strncasecmp(keys->v[i], value, size) != 0))
		i++;
	return i;
}

char *ldap_filter_class(const char *template)
{
	static const char name[] = "(objectClass=";
	const char *at = strcasestr(template, name);
	size_t size = at ? strcspn(at + sizeof name - 1, "()*%\\") : 0;
	return size > 0 && at[sizeof name - 1 + size] == ')' ? strndup(at + sizeof name - 1, size) : NULL;
}
