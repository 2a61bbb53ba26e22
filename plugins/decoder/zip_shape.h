/* zip_shape.h - does a zip archive say the same to those who read its directory and to those who read it from the front? */
#ifndef POSTERN_DECODER_ZIP_SHAPE_H
#define POSTERN_DECODER_ZIP_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZIP_ENDS_MAX 4

struct zip_shape {
	bool has_directory;	/* an end record was found, and a directory where it says */
	bool locked;		/* a member is encrypted */
	bool gaps;		/* between members, or in front of the directory, is more than what belongs to them */
	bool disagrees;		/* names, methods, sizes or checksums differ; members overlap; members that the directory does not name */
	size_t end;		/* of its end record; what is behind is a comment, or no part of it. The size where there is no directory */
	size_t first_local;	/* where the first local header stands; SIZE_MAX: nowhere */
	/* Directories besides the last, which other readers may take for the archive's: where their end records end. */
	size_t other_ends[ZIP_ENDS_MAX];
	unsigned other_count;
};
/* Pure; bounded by n. -1: no memory. */
int zip_shape_of(const uint8_t *data, size_t n, struct zip_shape *out);

#endif
