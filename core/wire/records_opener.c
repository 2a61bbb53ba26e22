/* records_opener.c - the records between worker and opener.
 *
 * What an opener says is hostile: every reader here refuses what no honest
 * opener would write.  Whether part numbers form a tree is checked by the
 * worker, which knows the parts before.  */
#include "wire/records.h"

#include <string.h>

#include "postern/plugin.h"
#include "wire/fields.h"

#define INSTANCES_MAX 1024		/* scanners or decoders in one order */
#define DIGEST_NAME_MAX 32
#define DIGEST_MAX 128			/* hexadecimal digits */
#define STRING_MIN_BYTES 4
#define FINDING_NAME_MIN_BYTES 8
/* Malware names in one FINDING take at most this much. */
#define FINDING_BUDGET_BYTES (64 * 1024)

void hello_write(struct wire_writer *w, const struct hello *h)
{
	wire_begin(w, RECORD_HELLO);
	wire_put_u32(w, h->pid);
	wire_put_u8(w, h->seccomp);
	wire_put_u8(w, h->landlock_abi);
	wire_put_u64(w, h->memory_limit_bytes);
	wire_put_str(w, h->scratch);
}

/* The worker opens below TEMPBASE what this says: one plain name, no way up. */
static bool scratch_name_is_plain(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

int hello_read(struct wire_reader *r, void *owner, struct hello *h)
{
	fields_expect(r, RECORD_HELLO);
	h->pid = wire_get_u32(r);
	h->seccomp = fields_get_flag(r);
	h->landlock_abi = wire_get_u8(r);
	h->memory_limit_bytes = wire_get_u64(r);
	h->scratch = fields_get_text(r, owner, WIRE_LOG_ID_MAX);
	if (!scratch_name_is_plain(h->scratch))
		r->bad = true;
	return fields_end(r);
}

static void put_numbers(struct wire_writer *w, const uint32_t *numbers, uint32_t count)
{
	wire_put_u32(w, count);
	for (uint32_t i = 0; i < count; i++)
		wire_put_u32(w, numbers[i]);
}

static uint32_t *get_numbers(struct wire_reader *r, void *owner, uint32_t max, uint32_t *count)
{
	*count = fields_get_count(r, 4, max);
	uint32_t *numbers = fields_array(owner, sizeof *numbers, *count);
	for (uint32_t i = 0; i < *count; i++)
		numbers[i] = wire_get_u32(r);
	return numbers;
}

void open_order_write(struct wire_writer *w, const struct open_order *o)
{
	wire_begin(w, RECORD_OPEN);
	wire_put_str(w, o->log_id);
	wire_put_u64(w, o->size_bytes);
	wire_put_i64(w, o->deadline_ms);
	wire_put_u8(w, o->scan);
	wire_put_u8(w, o->first_infected_stops);
	wire_put_u8(w, o->keep_mail);
	wire_put_u8(w, o->keep_parts);
	wire_put_u8(w, o->bare_file);
	wire_put_u8(w, o->asks_keep);
	wire_put_u64(w, o->max_files);
	wire_put_u64(w, o->max_levels);
	wire_put_u64(w, o->quota_bytes);
	wire_put_u32(w, o->cpu_ms);
	wire_put_u32(w, o->decoding_ms);
	wire_put_u32(w, o->decoding_cpu_ms);
	wire_put_u32(w, o->decoder_ms);
	wire_put_u32(w, o->decoder_cpu_ms);
	wire_put_u32(w, o->password_words);
	wire_put_str(w, o->digest ? o->digest : "");
	put_numbers(w, o->decoders, o->decoder_count);
	put_numbers(w, o->scanners, o->scanner_count);
}

int open_order_read(struct wire_reader *r, void *owner, struct open_order *o)
{
	fields_expect(r, RECORD_OPEN);
	o->log_id = fields_get_text(r, owner, WIRE_LOG_ID_MAX);
	o->size_bytes = wire_get_u64(r);
	o->deadline_ms = wire_get_i64(r);
	o->scan = fields_get_flag(r);
	o->first_infected_stops = fields_get_flag(r);
	o->keep_mail = fields_get_flag(r);
	o->keep_parts = fields_get_flag(r);
	o->bare_file = fields_get_flag(r);
	o->asks_keep = fields_get_flag(r);
	o->max_files = wire_get_u64(r);
	o->max_levels = wire_get_u64(r);
	o->quota_bytes = wire_get_u64(r);
	o->cpu_ms = wire_get_u32(r);
	o->decoding_ms = wire_get_u32(r);
	o->decoding_cpu_ms = wire_get_u32(r);
	o->decoder_ms = wire_get_u32(r);
	o->decoder_cpu_ms = wire_get_u32(r);
	o->password_words = wire_get_u32(r);
	o->digest = fields_get_text(r, owner, DIGEST_NAME_MAX);
	o->decoders = get_numbers(r, owner, INSTANCES_MAX, &o->decoder_count);
	o->scanners = get_numbers(r, owner, INSTANCES_MAX, &o->scanner_count);
	return fields_end(r);
}

/* A name's end (".exe") matters as much as its start: too long a one loses its middle. */
static void part_name_write(struct wire_writer *w, const char *name)
{
	size_t n = name ? strlen(name) : 0;
	if (n <= WIRE_NAME_MAX) {
		wire_put_str(w, name);
		return;
	}
	char shortened[WIRE_NAME_MAX];
	size_t half = WIRE_NAME_MAX / 2;
	memcpy(shortened, name, half);
	memcpy(shortened + half, name + n - half, half);
	wire_put_blob(w, shortened, sizeof shortened);
}

static bool part_names_fit(const struct part_record *p)
{
	for (uint32_t i = 0; i < p->name_count; i++)
		if (p->names[i] && strnlen(p->names[i], WIRE_NAME_MAX + 1) > WIRE_NAME_MAX)
			return false;
	return p->name_count <= WIRE_PART_NAMES_MAX;
}

void part_record_write(struct wire_writer *w, const struct part_record *p)
{
	uint32_t names = MIN(p->name_count, (uint32_t)WIRE_PART_NAMES_MAX), types = MIN(p->mime_type_count, (uint32_t)WIRE_PART_TYPES_MAX);
	unsigned attributes = p->attributes | (part_names_fit(p) ? 0u : (unsigned)PART_AMBIGUOUS);
	wire_begin(w, RECORD_PART);
	wire_put_u32(w, p->number);
	wire_put_u32(w, p->parent);
	wire_put_u32(w, p->index_in_parent);
	wire_put_u8(w, p->has_file);
	wire_put_u32(w, attributes);
	wire_put_u64(w, p->size_bytes);
	wire_put_u32(w, types);
	for (uint32_t i = 0; i < types; i++)
		wire_put_str_cut(w, p->mime_types[i], WIRE_NAME_MAX);
	wire_put_str_cut(w, p->digest, DIGEST_MAX);
	wire_put_str_cut(w, p->decoder, WIRE_NAME_MAX);
	wire_put_str_cut(w, p->note, WIRE_NAME_MAX);
	wire_put_str_cut(w, p->type_short, WIRE_NAME_MAX);
	wire_put_str_cut(w, p->type_full, WIRE_NAME_MAX);
	wire_put_u32(w, names);
	for (uint32_t i = 0; i < names; i++)
		part_name_write(w, p->names[i]);
}

static void part_names_read(struct wire_reader *r, void *owner, struct part_record *p)
{
	p->name_count = fields_get_count(r, STRING_MIN_BYTES, WIRE_PART_NAMES_MAX);
	p->names = fields_array(owner, sizeof *p->names, p->name_count);
	for (uint32_t i = 0; i < p->name_count && !r->bad; i++)
		p->names[i] = fields_get_text(r, owner, WIRE_NAME_MAX);
}

int part_record_read(struct wire_reader *r, void *owner, struct part_record *p)
{
	fields_expect(r, RECORD_PART);
	p->number = wire_get_u32(r);
	p->parent = wire_get_u32(r);
	p->index_in_parent = wire_get_u32(r);
	if (p->parent >= p->number || p->index_in_parent == 0)
		r->bad = true;
	p->has_file = fields_get_flag(r);
	uint32_t attributes = wire_get_u32(r);
	if (attributes & ~(uint32_t)PART_ATTRIBUTES_ALL)
		r->bad = true;
	p->attributes = (uint16_t)attributes;
	p->size_bytes = wire_get_u64(r);
	p->mime_type_count = fields_get_count(r, STRING_MIN_BYTES, WIRE_PART_TYPES_MAX);
	p->mime_types = fields_array(owner, sizeof *p->mime_types, p->mime_type_count);
	for (uint32_t i = 0; i < p->mime_type_count && !r->bad; i++)
		p->mime_types[i] = fields_get_text(r, owner, WIRE_NAME_MAX);
	p->digest = wire_get_str(r, owner, DIGEST_MAX);
	p->decoder = wire_get_str(r, owner, WIRE_NAME_MAX);
	p->note = wire_get_str(r, owner, WIRE_NAME_MAX);
	p->type_short = wire_get_str(r, owner, WIRE_NAME_MAX);
	p->type_full = wire_get_str(r, owner, WIRE_NAME_MAX);
	part_names_read(r, owner, p);
	return fields_end(r);
}

/* Names that fit: at least one, however long, so that a finding never turns into none. */
static uint32_t finding_names_that_fit(const struct finding_record *f)
{
	size_t used = 0;
	uint32_t n = 0;
	while (n < f->name_count && n < WIRE_FINDING_NAMES_MAX) {
		used += FINDING_NAME_MIN_BYTES + (f->names[n] ? strnlen(f->names[n], WIRE_NAME_MAX) : 0);
		if (used > FINDING_BUDGET_BYTES)
			break;
		n++;
	}
	return n;
}

void finding_record_write(struct wire_writer *w, const struct finding_record *f)
{
	uint32_t names = finding_names_that_fit(f);
	wire_begin(w, RECORD_FINDING);
	wire_put_u32(w, f->scanner);
	wire_put_u32(w, f->part);
	wire_put_u8(w, f->outcome);
	wire_put_u32(w, f->elapsed_us);
	wire_put_str_cut(w, f->version, WIRE_NAME_MAX);
	wire_put_str_cut(w, f->error, WIRE_TEXT_MAX);
	wire_put_u32(w, names);
	for (uint32_t i = 0; i < names; i++) {
		wire_put_str_cut(w, f->names[i], WIRE_NAME_MAX);
		wire_put_u32(w, f->parts ? f->parts[i] : f->part);
	}
}

int finding_record_read(struct wire_reader *r, void *owner, struct finding_record *f)
{
	fields_expect(r, RECORD_FINDING);
	f->scanner = wire_get_u32(r);
	f->part = wire_get_u32(r);
	f->outcome = fields_get_range(r, POSTERN_OK, POSTERN_BROKEN);
	f->elapsed_us = wire_get_u32(r);
	f->version = wire_get_str(r, owner, WIRE_NAME_MAX);
	f->error = wire_get_str(r, owner, WIRE_TEXT_MAX);
	f->name_count = fields_get_count(r, FINDING_NAME_MIN_BYTES, WIRE_FINDING_NAMES_MAX);
	f->names = fields_array(owner, sizeof *f->names, f->name_count);
	f->parts = fields_array(owner, sizeof *f->parts, f->name_count);
	for (uint32_t i = 0; i < f->name_count && !r->bad; i++) {
		f->names[i] = fields_get_text(r, owner, WIRE_NAME_MAX);
		f->parts[i] = wire_get_u32(r);
	}
	return fields_end(r);
}

void opened_write(struct wire_writer *w, const struct opened *o)
{
	wire_begin(w, RECORD_OPENED);
	wire_put_u8(w, o->outcome);
	wire_put_u32(w, o->part_count);
	wire_put_u32(w, o->spared_count);
	wire_put_u8(w, o->undecipherable);
	wire_put_u8(w, o->crypted);
	wire_put_u8(w, o->ambiguous);
	wire_put_u8(w, o->mail_kept);
	wire_put_u8(w, o->unopened);
	wire_put_str_cut(w, o->hold, WIRE_TEXT_MAX);
	wire_put_str_cut(w, o->mime_error, WIRE_TEXT_MAX);
	wire_put_u32(w, o->cpu_us);
}

int opened_read(struct wire_reader *r, void *owner, struct opened *o)
{
	fields_expect(r, RECORD_OPENED);
	o->outcome = fields_get_range(r, OPENED_OK, OPENED_ENVIRONMENT);
	o->part_count = wire_get_u32(r);
	o->spared_count = wire_get_u32(r);
	o->undecipherable = fields_get_flag(r);
	o->crypted = fields_get_flag(r);
	o->ambiguous = fields_get_flag(r);
	o->mail_kept = fields_get_flag(r);
	o->unopened = fields_get_flag(r);
	o->hold = wire_get_str(r, owner, WIRE_TEXT_MAX);
	o->mime_error = wire_get_str(r, owner, WIRE_TEXT_MAX);
	o->cpu_us = wire_get_u32(r);
	return fields_end(r);
}

void keep_record_write(struct wire_writer *w, const struct keep_record *k)
{
	wire_begin(w, RECORD_KEEP);
	put_numbers(w, k->parts, k->count);
}

int keep_record_read(struct wire_reader *r, void *owner, struct keep_record *k)
{
	fields_expect(r, RECORD_KEEP);
	k->parts = get_numbers(r, owner, WIRE_PARTS_MAX, &k->count);
	return fields_end(r);
}
