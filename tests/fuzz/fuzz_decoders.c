/* fuzz_decoders.c - any bytes to what the decoders find out about a file before a library reads it. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "../../plugins/decoder/embedded.h"
#include "../../plugins/decoder/zip_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shape(const uint8_t *data, size_t size)
{
	struct zip_shape shape;
	if (zip_shape_of(data, size, &shape) != 0 || shape.other_count > ZIP_ENDS_MAX)
		abort();
	for (unsigned i = 0; i < shape.other_count; i++)
		if (shape.other_ends[i] > size || !shape.disagrees)
			abort();
	if (shape.end > size)
		abort();
	if (shape.first_local != SIZE_MAX && shape.first_local >= size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct embedded found[EMBEDDED_MAX];
	check_shape(data, size);
	bool more;
	size_t count = embedded_find(data, size, found, &more);
	if (count > EMBEDDED_MAX)
		abort();
	for (size_t i = 0; i < count; i++)
		if (found[i].at >= size || found[i].size == 0 || found[i].size > size - found[i].at)
			abort();
	static const char *const types[] = { "rar", "7z", "cab" };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (embedded_size(types[i], data, size) > size)
			abort();
	return 0;
}
