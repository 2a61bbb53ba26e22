/* abi.c - decides whether a plugin's exported struct can be used, and reads one of an older, shorter layout. */
#include "config.h"

#include <string.h>
#include <talloc.h>

#include "plugin/inside.h"
#include "plugin/options.h"

/* Up to `options_size` every plugin of this major number has these members. */
#define SIZE_LEAST offsetof(struct postern_plugin, check)
#define SIZE_MOST 65536		/* no struct of pointers is this large: the symbol is something else */
#define OPTIONS_MOST 1000

static int check_numbers(const struct postern_plugin *raw, const char *file, struct error *e)
{
	if (raw->abi_major != POSTERN_ABI_MAJOR || raw->abi_minor > POSTERN_ABI_MINOR)
		return error_set(e, ERROR_CONFIG, "%s: made for plugin interface %u.%u, this is Postern with %u.%u; build the plugin anew",
			file, (unsigned)raw->abi_major, (unsigned)raw->abi_minor, (unsigned)POSTERN_ABI_MAJOR, (unsigned)POSTERN_ABI_MINOR);
	if (raw->size < SIZE_LEAST || raw->size > SIZE_MOST)
		return error_set(e, ERROR_CONFIG, "%s: its plugin struct claims %zu bytes, this Postern's has %zu: not a plugin, or damaged",
			file, raw->size, sizeof *raw);
	return 0;
}

static int check_options(const struct postern_plugin *p, const char *file, struct error *e)
{
	if (!p->options)
		return 0;
	for (size_t k = 0; p->options[k].name; k++) {
		const struct postern_option *o = &p->options[k];
		size_t need = option_field_size(o->type);
		if (k >= OPTIONS_MOST || need == 0 || o->offset > p->options_size || need > p->options_size - o->offset)
			return error_set(e, ERROR_CONFIG, "%s: its option \"%s\" does not fit its own option struct: damaged, or badly built",
				file, k >= OPTIONS_MOST ? "?" : o->name);
	}
	return 0;
}

/* The member that holds a role's calls; NULL for a role that this host does not know. */
static const void *role_ops(const struct postern_plugin *p, uint32_t role)
{
	switch (role) {
	case POSTERN_DECODER: return p->decoder;
	case POSTERN_SCANNER: return p->scanner;
	case POSTERN_SCORE: return p->score;
	case POSTERN_LOOKUP: return p->lookup;
	case POSTERN_DELIVERY: return p->delivery;
	case POSTERN_REPORT: return p->report;
	case POSTERN_DATABASE: return p->database;
	}
	return NULL;
}

static int check_roles(const struct postern_plugin *p, const char *file, struct error *e)
{
	if (p->roles == 0)
		return error_set(e, ERROR_CONFIG, "%s: names no role", file);
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t role = p->roles & (1u << bit);
		if (role && !role_ops(p, role))
			return error_set(e, ERROR_CONFIG, "%s: claims a role (bit %u) without the calls for it", file, bit);
	}
	bool part_missing = (p->capabilities & POSTERN_CAP_PER_PART) && p->scanner &&
		p->scanner->size < offsetof(struct postern_scanner_ops, version);
	if (part_missing)
		return error_set(e, ERROR_CONFIG, "%s: says that it scans part by part, but has no such call", file);
	return 0;
}

/* Members beyond the plugin's own size count as not provided. */
static const void *widen(void *owner, const void *ops, size_t full)
{
	size_t own;
	if (!ops)
		return NULL;
	memcpy(&own, ops, sizeof own);
	if (own >= full)
		return ops;
	void *wide = talloc_zero_size(owner, full);
	if (own >= sizeof own)
		memcpy(wide, ops, own);
	return wide;
}

const struct postern_plugin *abi_accept(void *owner, const struct postern_plugin *raw, const char *name, const char *file, struct error *e)
{
	if (check_numbers(raw, file, e) != 0)
		return NULL;
	struct postern_plugin *p = talloc_zero(owner, struct postern_plugin);
	memcpy(p, raw, raw->size < sizeof *p ? raw->size : sizeof *p);
	if (!p->name || strcmp(p->name, name) != 0) {
		error_set(e, ERROR_CONFIG, "%s: the plugin in it calls itself \"%s\", not \"%s\"; a plugin's file carries its name",
			file, p->name ? p->name : "", name);
		goto refuse;
	}
	if (check_options(p, file, e) != 0 || check_roles(p, file, e) != 0)
		goto refuse;
	p->scanner = widen(p, p->scanner, sizeof *p->scanner);
	p->decoder = widen(p, p->decoder, sizeof *p->decoder);
	p->score = widen(p, p->score, sizeof *p->score);
	p->lookup = widen(p, p->lookup, sizeof *p->lookup);
	p->delivery = widen(p, p->delivery, sizeof *p->delivery);
	p->report = widen(p, p->report, sizeof *p->report);
	p->database = widen(p, p->database, sizeof *p->database);
	return p;
refuse:
	talloc_free(p);
	return NULL;
}
