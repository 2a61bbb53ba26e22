/* fields.c - what the record readers of this room share; it knows no record. */
#include "wire/fields.h"

#include <string.h>
#include <talloc.h>

const char *fields_get_text(struct wire_reader *r, void *owner, size_t max)
{
	const char *text = wire_get_str(r, owner, max);
	return text ? text : "";
}

uint8_t fields_get_range(struct wire_reader *r, uint8_t low, uint8_t high)
{
	uint8_t v = wire_get_u8(r);
	if (v >= low && v <= high)
		return v;
	r->bad = true;
	return low;
}

uint8_t fields_get_flag(struct wire_reader *r)
{
	return fields_get_range(r, 0, 1);
}

uint32_t fields_get_count(struct wire_reader *r, size_t min_element_bytes, uint32_t max)
{
	uint32_t count = wire_get_count(r, min_element_bytes);
	if (count <= max)
		return count;
	r->bad = true;
	return 0;
}

void *fields_array(void *owner, size_t element_bytes, uint32_t count)
{
	if (count == 0)
		return NULL;
	void *array = talloc_zero_size(owner, element_bytes * count);
	if (!array)
		g_error("out of memory for %u elements of a record", count);
	return array;
}

int fields_end(const struct wire_reader *r)
{
	return wire_reader_ok(r) ? 0 : -1;
}

void fields_expect(struct wire_reader *r, uint16_t kind)
{
	if (r->kind != kind)
		r->bad = true;
}
