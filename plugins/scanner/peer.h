/* peer.h - what the plugins share that speak with a daemon in lines: one of several sockets, a kept connection, a line.
 *
 * Linked into each of them; it judges nothing. */
#ifndef POSTERN_SCANNER_PEER_H
#define POSTERN_SCANNER_PEER_H

#include <postern/plugin.h>

#define PEER_LINE_MAX 8192

/* Which socket to begin with: the last that worked. Lives with the instance. */
struct peers { struct postern_strings sockets; size_t first; };

struct peer {
	struct postern_conn *conn;
	bool kept;		/* it was open before: it may have gone stale */
};

/* The connection kept from the call before, or a new one to the first socket that takes it. False: the failure text is set. */
bool peer_open(struct postern_call *call, struct peers *all, struct peer *p);
void peer_close(struct postern_call *call, struct peer *p);
/* For the next call; a connection on which more waits to be read is closed instead. */
void peer_keep(struct postern_call *call, struct peer *p);
/* This socket has failed: begin with the next one. */
void peers_move_on(struct peers *all);
int peer_say(struct postern_call *call, struct peer *p, const char *text);
/* One line without its end: LF, CR LF or NUL. What ends before that, or has no end, is no line: NULL, the failure text is set. */
char *peer_read_line(struct postern_call *call, struct peer *p);

#endif
