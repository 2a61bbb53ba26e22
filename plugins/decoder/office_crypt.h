/* office_crypt.h - Office documents with a password: the package of newer ones (MS-OFFCRYPTO: standard and agile), workbooks by RC4.
 *
 * Excel opens what is locked with "VelvetSweatshop" without asking: that word
 * is tried first, whatever the administrator allows. */
#ifndef POSTERN_DECODER_OFFICE_CRYPT_H
#define POSTERN_DECODER_OFFICE_CRYPT_H

#include "cfb.h"

enum office_unlocked { OFFICE_LOCKED, OFFICE_OPENED, OFFICE_OPENED_BY_WORD, OFFICE_OVER };

/* Streams "EncryptionInfo" and "EncryptedPackage": the document, a zip archive, becomes a child. OVER: over a limit. */
enum office_unlocked office_put_package(struct postern_call *call, struct span info, struct span package);
/* A stream "Workbook" with the record FILEPASS: decrypted where it stands. */
enum office_unlocked office_unlock_workbook(struct postern_call *call, uint8_t *bytes, size_t n);

#endif
