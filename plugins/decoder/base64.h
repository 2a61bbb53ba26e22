/* base64.h - base64 into a child, character by character, of either alphabet; what is no such character is passed over. */
#ifndef POSTERN_DECODER_BASE64_H
#define POSTERN_DECODER_BASE64_H

#include "span.h"

struct base64 {
	struct postern_call *call;
	uint32_t bits;
	unsigned count;			/* of characters that make no byte yet */
	bool over;
	size_t n;
	uint8_t out[4096];
};

bool base64_is(uint8_t c);		/* of the alphabet, without '=' */
void base64_put(struct base64 *b, uint8_t c);
/* false: over a limit. */
bool base64_end(struct base64 *b);

#endif
