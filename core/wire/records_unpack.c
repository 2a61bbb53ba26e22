/* records_unpack.c - the records between worker and opener about programs that take parts apart.
 *
 * What an opener says is hostile: a password goes into an argument vector, so it
 * is printable ASCII or no record at all. */
#include "wire/records.h"

#include "wire/fields.h"

void unpack_record_write(struct wire_writer *w, const struct unpack_record *u)
{
	wire_begin(w, RECORD_UNPACK);
	wire_put_u32(w, u->decoder);
	wire_put_u32(w, u->part);
	wire_put_str(w, u->password ? u->password : "");
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

int unpack_record_read(struct wire_reader *r, void *owner, struct unpack_record *u)
{
	fields_expect(r, RECORD_UNPACK);
	u->decoder = wire_get_u32(r);
	u->part = wire_get_u32(r);
	u->password = fields_get_text(r, owner, WIRE_PASSWORD_MAX);
	if (u->part == 0 || u->part > WIRE_PARTS_MAX || !is_printable(u->password))
		r->bad = true;
	return fields_end(r);
}

void unpacked_record_write(struct wire_writer *w, const struct unpacked_record *u)
{
	wire_begin(w, RECORD_UNPACKED);
	wire_put_u8(w, u->outcome);
	wire_put_u32(w, u->exit_code);
	wire_put_u32(w, u->signal);
	wire_put_u64(w, u->cpu_us);
	wire_put_str_cut(w, u->error, WIRE_NAME_MAX);
}

int unpacked_record_read(struct wire_reader *r, void *owner, struct unpacked_record *u)
{
	fields_expect(r, RECORD_UNPACKED);
	u->outcome = fields_get_range(r, UNPACKED_ENDED, UNPACKED_ENVIRONMENT);
	u->exit_code = wire_get_u32(r);
	u->signal = wire_get_u32(r);
	u->cpu_us = wire_get_u64(r);
	u->error = wire_get_str(r, owner, WIRE_NAME_MAX);
	return fields_end(r);
}
