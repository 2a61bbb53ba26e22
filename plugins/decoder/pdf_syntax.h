/* pdf_syntax.h - PDF's tokens and dictionaries (ISO 32000), read as leniently as viewers do.
 *
 * A walk goes once over an object, whatever it nests, and shows each dictionary
 * when it ends, with the values of those keys that matter here. */
#ifndef POSTERN_DECODER_PDF_SYNTAX_H
#define POSTERN_DECODER_PDF_SYNTAX_H

#include "span.h"

#define PDF_KEYS(K) \
	K(Type) K(Subtype) K(S) K(JS) K(EF) K(F) K(UF) K(DOS) K(Mac) K(Unix) K(OpenAction) K(AA) K(JavaScript) K(XFA) K(Filter) K(DecodeParms) \
	K(Length) K(N) K(First) K(Encrypt) K(ID) K(P) K(Win) K(D) K(O) K(V) K(R) K(U) K(OE) K(UE) K(CF) K(StmF) K(StrF) K(EFF) K(CFM) \
	K(EncryptMetadata) K(Predictor) K(Colors) K(BitsPerComponent) K(Columns) K(EarlyChange) K(Name) K(Root)

enum pdf_key {
#define K(name) PDF_##name,
	PDF_KEYS(K)
#undef K
	PDF_KEY_COUNT
};

/* A dictionary: the text of each value, n == 0: it has no such key. Of a key that comes twice the last counts, as in most viewers. */
struct pdf_dict {
	struct span value[PDF_KEY_COUNT];
	unsigned depth;			/* 1: the object itself */
	bool doubled;			/* a key of a file's, a script's or an action's comes twice, with different values */
};

struct pdf_visitor {
	bool (*dictionary)(void *context, const struct pdf_dict *d);	/* false: enough */
	void *context;
	bool *too_deep;			/* set where some of it nests deeper than is looked at; may be NULL */
};

/* Walk over the first object in s; where it ends: offset. */
size_t pdf_walk(struct span s, const struct pdf_visitor *v);
/* The outermost dictionary of s alone; false: s is none. *end: behind it. */
bool pdf_read_dict(struct span s, struct pdf_dict *d, size_t *end);

/* Behind white space and comments. */
size_t pdf_skip_space(struct span s, size_t at);
/* A name without its "/" and escapes, e.g. against "FlateDecode". */
bool pdf_is_name(struct span value, const char *name);
/* The n-th name of an array, or a name that stands alone as the first; *found n == 0: no more. */
struct span pdf_nth(struct span value, unsigned n);
/* The next value of an array from *at on (0: its beginning), which then is behind it; n == 0: no more. */
struct span pdf_next(struct span array, size_t *at);
bool pdf_integer(struct span value, int64_t *out);
/* "12 0 R" */
bool pdf_reference(struct span value, uint32_t *number, uint32_t *generation);
/* A string, literal or hexadecimal, without its escapes; memory of the call; n == 0 and at NULL: none. */
struct span pdf_string(struct postern_call *call, struct span value);
/* Its text as UTF-8. */
char *pdf_text(struct postern_call *call, struct span string);

#endif
