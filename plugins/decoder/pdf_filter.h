/* pdf_filter.h - the filters of PDF streams, one behind the other, from the bytes of the file to a sink; nothing is held as a whole. */
#ifndef POSTERN_DECODER_PDF_FILTER_H
#define POSTERN_DECODER_PDF_FILTER_H

#include "span.h"

#define PDF_FILTERS_MAX 8

enum pdf_filter_kind { PDF_FLATE, PDF_LZW, PDF_ASCII85, PDF_HEX, PDF_RUN_LENGTH };

struct pdf_filter {
	enum pdf_filter_kind kind;
	unsigned predictor, colors, bits, columns;	/* of Flate and LZW; predictor 1: none */
	bool late_change;				/* LZW: codes grow one later */
};

struct pdf_filters {
	struct pdf_filter each[PDF_FILTERS_MAX];
	unsigned count;
	bool unknown;			/* one that is not known, or too many: what comes out is not the content */
};

struct pdf_sink {
	bool (*write)(void *context, const uint8_t *data, size_t n);	/* false: stop; n is 0 now and then where much is read and nothing comes out */
	void *context;
};

enum pdf_filtered { PDF_WHOLE, PDF_DAMAGED, PDF_STOPPED };

/* STOPPED: the sink said so, or there is no memory. */
enum pdf_filtered pdf_filter(struct span raw, const struct pdf_filters *filters, struct pdf_sink sink);

#endif
