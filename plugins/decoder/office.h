/* office.h - what the main streams of old Office documents tell: encrypted, Excel 4 macros, objects within presentations. */
#ifndef POSTERN_DECODER_OFFICE_H
#define POSTERN_DECODER_OFFICE_H

#include "cfb.h"

struct office_facts {
	bool encrypted, macros, runs;
};

/* Streams "WordDocument"; "Workbook" and "Book"; "Current User". */
void office_look_at_word(struct span s, struct office_facts *f);
void office_look_at_workbook(struct postern_call *call, struct span s, struct office_facts *f);
void office_look_at_user(struct span s, struct office_facts *f);
/* "PowerPoint Document": its packed objects (macros are one of them) become children. false: over a limit. */
bool office_put_slides(struct postern_call *call, struct span s, struct office_facts *f);
/* Title, author, comments and the like, one a line, of a stream "\5SummaryInformation"; NULL: none. Memory of the call. */
const char *office_summary(struct postern_call *call, struct span s);

/* A compound file packed by zlib (.mso): it becomes a child. -1: none is found; 0: over a limit; 1: done. */
int office_put_active_mime(struct postern_call *call, struct span s);

#endif
