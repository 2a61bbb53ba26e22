/* talk.h - what templates, reception and master say to each other over their SEQPACKET, in one line each. */
#ifndef POSTERN_TEMPLATE_TALK_H
#define POSTERN_TEMPLATE_TALK_H

#include "wire/records.h"

/* 0 or -1. */
int talk_send_text(int fd, enum record_kind kind, const char *text);
/* The ledger file's descriptor, -1: there is none. Receiving: 0, or -1 at end of file or on nonsense. */
int talk_send_ledger(int fd, int ledger_fd);
int talk_receive_ledger(int fd, int *ledger_fd);
int talk_send_settings(int fd, const struct settings_record *s);
/* The kind received (with its text on owner when `text` is wanted); 0 at end of file; -1 cast: nothing usable came. */
enum record_kind talk_receive_text(int fd, void *owner, char **text);
/* Wait for a SETTINGS record. 0, or -1 at end of file or on nonsense. */
int talk_receive_settings(int fd, void *owner, struct settings_record *s);
/* All values of a name, NULL-terminated on owner; NULL when there is none. */
const char *const *talk_settings_list(const struct settings_record *s, const char *name, void *owner);

/* Block TERM, INT, HUP, CHLD, USR1 and read them from a descriptor instead; children call talk_unblock_signals(). */
int talk_signal_fd(void);
void talk_unblock_signals(void);

#endif
