/* fuzz_records.c - any bytes through the reader of the record kind they claim; what is read well is written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "wire/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mail_kinds(struct wire_reader *r, void *owner, struct wire_writer *w)
{
	struct token token;
	struct job job;
	struct envelope envelope;
	struct committed committed;
	struct result result;
	if (r->kind == RECORD_TOKEN && token_read(r, &token) == 0)
		token_write(w, &token);
	if (r->kind == RECORD_JOB && job_read(r, owner, &job) == 0)
		job_write(w, &job);
	if (r->kind == RECORD_ENVELOPE && envelope_read(r, owner, &envelope) == 0)
		envelope_write(w, &envelope);
	if (r->kind == RECORD_COMMITTED && committed_read(r, owner, &committed) == 0)
		committed_write(w, &committed);
	if (r->kind == RECORD_RESULT && result_read(r, owner, &result) == 0)
		result_write(w, &result);
}

static void opener_kinds(struct wire_reader *r, void *owner, struct wire_writer *w)
{
	struct hello hello;
	struct open_order order;
	struct part_record part;
	struct keep_record keep;
	struct unpack_record unpack;
	struct unpacked_record unpacked;
	struct finding_record finding;
	struct opened opened;
	if (r->kind == RECORD_HELLO && hello_read(r, owner, &hello) == 0)
		hello_write(w, &hello);
	if (r->kind == RECORD_OPEN && open_order_read(r, owner, &order) == 0)
		open_order_write(w, &order);
	if (r->kind == RECORD_UNPACK && unpack_record_read(r, owner, &unpack) == 0)
		unpack_record_write(w, &unpack);
	if (r->kind == RECORD_UNPACKED && unpacked_record_read(r, owner, &unpacked) == 0)
		unpacked_record_write(w, &unpacked);
	if (r->kind == RECORD_KEEP && keep_record_read(r, owner, &keep) == 0)
		keep_record_write(w, &keep);
	if (r->kind == RECORD_PART && part_record_read(r, owner, &part) == 0)
		part_record_write(w, &part);
	if (r->kind == RECORD_FINDING && finding_record_read(r, owner, &finding) == 0)
		finding_record_write(w, &finding);
	if (r->kind == RECORD_OPENED && opened_read(r, owner, &opened) == 0)
		opened_write(w, &opened);
}

static void control_kinds(struct wire_reader *r, void *owner, struct wire_writer *w)
{
	struct settings_record settings;
	struct wire_reader text = *r;
	if (r->kind == RECORD_SETTINGS && settings_record_read(r, owner, &settings) == 0) {
		settings_record_int(&settings, "max_servers", 2);
		settings_record_write(w, &settings);
	}
	text_record_read(&text, owner);
}

/* The head's length is set right: else hardly an input would get past it. The first byte chooses the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader r;
	struct wire_writer w = { 0 };
	if (size < 1 || size > 1 << 20)
		return 0;
	void *owner = talloc_new(NULL);
	wire_begin(&w, data[0]);
	g_byte_array_append(w.bytes, data + 1, (guint)size - 1);
	size_t n;
	const void *bytes = wire_end(&w, &n);
	const void *record = talloc_memdup(owner, bytes, n);
	wire_begin(&w, 0);
	if (wire_open(&r, record, n))
		mail_kinds(&r, owner, &w);
	if (wire_open(&r, record, n))
		opener_kinds(&r, owner, &w);
	if (wire_open(&r, record, n))
		control_kinds(&r, owner, &w);
	wire_free(&w);
	wire_open(&r, data, size);	/* and the bytes as they are, a wrong head included */
	text_record_read(&r, owner);
	talloc_free(owner);
	return 0;
}
