/* ole1.h - objects as OLE 1 wrote them (MS-OLEDS): in streams "\1Ole10Native" of compound files and in RTF. */
#ifndef POSTERN_DECODER_OLE1_H
#define POSTERN_DECODER_OLE1_H

#include "span.h"

/* A file that was dropped into a document ("package"). */
struct ole1_package {
	char *names[6];			/* as shown, where it came from, where it goes to, the same in Unicode; memory of the call */
	unsigned name_count;
	struct span content;
	bool cut;			/* its size says more than is there */
};

/* Does it begin with a package? */
bool ole1_read_package(struct postern_call *call, struct span s, struct ole1_package *p);
/* The package as a child. false: over a limit. */
bool ole1_put_package(struct postern_call *call, const struct ole1_package *p);
/* A whole object with its class in front, as in \objdata, as a child. false: over a limit. */
bool ole1_put_object(struct postern_call *call, struct span s);

#endif
