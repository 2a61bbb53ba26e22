/* lzfu.h - RTF as Outlook packs it (MS-OXRTFCP), in .msg files and in winmail.dat. */
#ifndef POSTERN_DECODER_LZFU_H
#define POSTERN_DECODER_LZFU_H

#include "span.h"

/* Unpacked, as a child; what is not packed that way is marked undecipherable and kept as it is. false: over a limit. */
bool lzfu_put(struct postern_call *call, const char *name, struct span packed);

#endif
