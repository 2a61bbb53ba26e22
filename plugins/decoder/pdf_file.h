/* pdf_file.h - the objects of a PDF file, found by looking for them: its table of them is not asked.
 *
 * So all that any reader could take for an object is one: old revisions, what a
 * broken or lying table hides, and objects within object streams. A number may
 * stand for several objects; whoever follows a reference sees all of them. */
#ifndef POSTERN_DECODER_PDF_FILE_H
#define POSTERN_DECODER_PDF_FILE_H

#include "pdf_crypt.h"
#include "pdf_filter.h"

struct pdf_object {
	uint32_t number, generation;
	struct span body;		/* from its first byte on, to the end of the file or of its stream */
	bool packed;			/* from an object stream: its strings are not encrypted */
	bool is_file, taken;		/* pdf.c's own: it is an embedded file; it was told of as a script or a form */
	struct file_name *names;	/* pdf.c's own: what specifications call it */
};

struct pdf_file {
	struct postern_call *call;
	struct span data;
	struct pdf_object *objects;	/* sorted by number */
	size_t count, room;
	struct unpacked { struct unpacked *next; size_t n; uint8_t bytes[]; } *unpacked;	/* object streams */
	size_t unpacked_bytes;
	uint64_t walked;		/* bytes, of all walks */
	struct pdf_crypt crypt;
	bool encrypted, open, damaged;	/* open: the key was found */
	bool ambiguous;			/* viewers may take it for encrypted otherwise, or not */
	bool uncertain_end;		/* of the stream that was looked at last: its length says something else than its end */
	bool limit;			/* too large for this reader */
};

/* Find the objects; for an encrypted file try `passwords` (the empty one is tried first), one after the other until NULL. */
void pdf_file_open(struct pdf_file *f, struct postern_call *call, struct span data, const char *(*password)(struct postern_call *call, size_t i));
void pdf_file_close(struct pdf_file *f);

/* The objects of a number: the first, *count of them. */
struct pdf_object *pdf_file_find(const struct pdf_file *f, uint32_t number, size_t *count);
/* What may be walked over of an object. */
struct span pdf_file_body(struct pdf_file *f, const struct pdf_object *o);
/* Its stream as it stands in the file; false: it has none. */
bool pdf_file_stream(struct pdf_file *f, const struct pdf_object *o, struct pdf_dict *d, struct span *raw);
/* The stream's content, decrypted and through its filters, into the sink. embedded: it is a file. */
enum pdf_filtered pdf_file_read(struct pdf_file *f, const struct pdf_object *o, const struct pdf_dict *d, struct span raw, bool embedded, struct pdf_sink sink);
/* A string of an object, decrypted. */
struct span pdf_file_string(struct pdf_file *f, const struct pdf_object *o, struct span value);

#endif
