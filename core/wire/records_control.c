/* records_control.c - settings as records, and the records of master, templates and posternctl that are only text. */
#include "wire/records.h"

#include <string.h>
#include <talloc.h>

#include "wire/fields.h"

#define PAIR_MIN_BYTES 8
#define PAIRS_MAX 100000

void settings_record_write(struct wire_writer *w, const struct settings_record *s)
{
	wire_begin(w, RECORD_SETTINGS);
	wire_put_u32(w, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		wire_put_str(w, s->pairs[i].name);
		wire_put_str(w, s->pairs[i].value);
	}
}

int settings_record_read(struct wire_reader *r, void *owner, struct settings_record *s)
{
	fields_expect(r, RECORD_SETTINGS);
	s->count = fields_get_count(r, PAIR_MIN_BYTES, PAIRS_MAX);
	s->pairs = fields_array(owner, sizeof *s->pairs, s->count);
	for (uint32_t i = 0; i < s->count && !r->bad; i++) {
		s->pairs[i].name = fields_get_text(r, owner, WIRE_NAME_MAX);
		s->pairs[i].value = wire_get_str(r, owner, WIRE_TEXT_MAX);
	}
	return fields_end(r);
}

const char *settings_record_get(const struct settings_record *s, const char *name)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (strcmp(s->pairs[i].name, name) == 0)
			return s->pairs[i].value;
	return NULL;
}

int64_t settings_record_int(const struct settings_record *s, const char *name, int64_t otherwise)
{
	const char *text = settings_record_get(s, name);
	if (!text || !*text)
		return otherwise;
	char *end;
	int64_t v = g_ascii_strtoll(text, &end, 10);
	return *end == '\0' ? v : otherwise;
}

void text_record_write(struct wire_writer *w, enum record_kind kind, const char *text)
{
	wire_begin(w, (uint16_t)kind);
	wire_put_str_cut(w, text, WIRE_TEXT_MAX);
}

static bool kind_is_text(uint16_t kind)
{
	switch (kind) {
	case RECORD_CANCEL:
	case RECORD_RETIRING:
	case RECORD_OPENER_WANTED:
	case RECORD_DONE:
	case RECORD_EMPTIED:
	case RECORD_UNPACK_STOP:
	case RECORD_LISTENERS:
	case RECORD_READY:
	case RECORD_PROBLEM:
	case RECORD_DRAIN:
	case RECORD_IDLE:
	case RECORD_DATABASE_CHANGED:
	case RECORD_CONTROL:
	case RECORD_ANSWER:
	case RECORD_LEDGER:
		return true;
	default:
		return false;
	}
}

char *text_record_read(struct wire_reader *r, void *owner)
{
	if (!kind_is_text(r->kind))
		r->bad = true;
	char *text = wire_get_str(r, owner, WIRE_TEXT_MAX);
	if (!wire_reader_ok(r)) {
		talloc_free(text);
		return NULL;
	}
	return text ? text : talloc_strdup(owner, "");
}
