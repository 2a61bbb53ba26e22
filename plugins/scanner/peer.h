/* peer.h - what the plugins share that ask somebody else: one of several sockets, a kept connection, a line, a version.
 *
 * Linked into each of them; it judges nothing.  The options of such a plugin begin with its sockets, or with all of
 * struct peer_options where it keeps sessions; its state begins with struct peers. */
#ifndef POSTERN_SCANNER_PEER_H
#define POSTERN_SCANNER_PEER_H

#include <postern/plugin.h>

#define PEER_LINE_MAX 8192

struct peer_options { struct postern_strings socket; bool session; };

/* Their rows of the option table, where struct options begins with `struct peer_options peer`. */
#define PEER_SOCKET_OPTION(address, where) \
	{ .name = "socket", .type = POSTERN_ENDPOINTS, .offset = offsetof(struct options, peer.socket), .value = address, \
	  .flags = POSTERN_POSITIONAL, .doc = where "; several: the one that works is kept, the others are asked where it fails." }
#define PEER_SESSION_OPTION(what) \
	{ .name = "session", .type = POSTERN_BOOL, .offset = offsetof(struct options, peer.session), .value = "true", .doc = what }

/* Which socket to begin with: the last that worked. */
struct peers { struct postern_strings sockets; size_t first; };

struct peer {
	struct postern_conn *conn;
	bool kept;		/* it was open before: it may have gone stale */
	bool reached;		/* somebody took the connection opened last */
};

/* start and stop of such a plugin; the first where its state is struct peers alone. */
enum postern_result peers_start(struct postern_instance *instance, struct postern_error *error);
enum postern_result peers_start_state(struct postern_instance *instance, size_t state_bytes, struct postern_error *error);
void peers_stop(struct postern_instance *instance);

struct peers *peers_of(struct postern_call *call);
/* Is there time to ask another, and somebody who waits for the mail? */
bool peers_may_ask(struct postern_call *call);
/* A new connection to the first socket that takes it, from the one that worked last. NULL: the failure text is set. */
struct postern_conn *peers_connect(struct postern_call *call);
/* This socket has failed: begin with the next one; a connection kept to it is closed. */
void peers_move_on(struct postern_call *call);
/* The same, in a mail that others are to be asked about: false when all were, the time is over or the client has gone. *asked: 0 at first. */
bool peers_next(struct postern_call *call, size_t *asked);

/* A question that anyone of them may answer: asked of one after the other until one does. What fails moves on, also where the time is over:
 * the next question begins with the next. */
enum postern_result peers_question(struct postern_call *call, enum postern_result (*ask)(struct postern_call *));

/* The connection kept from the call before, or a new one to the first socket that takes it. False: the failure text is set. */
bool peer_open(struct postern_call *call, struct peer *p);
void peer_close(struct postern_call *call, struct peer *p);
/* Keep it for the next call where the options say so and all went well, else close it; one on which more waits to be read is
 * closed, too. */
void peer_done(struct postern_call *call, struct peer *p, bool well);
int peer_say(struct postern_call *call, struct peer *p, const char *text);
/* One line without its end: LF, CR LF or NUL. What ends before that, or has no end, is no line: NULL, the failure text is set. */
char *peer_read_line(struct postern_call *call, struct peer *p);
/* Has the peer said more than the answer that was read?  Then that answer may be another's, or was cut short by a name in it, and
 * vouches for nothing.  Line ends and blanks are passed over. */
bool peer_says_more(struct postern_call *call, struct postern_conn *conn);

/* The version that a text tells: the regexp's first match, else the first line. Nothing there: no version is set. */
void peer_take_version(struct postern_call *call, const struct postern_regex *regex, const char *text, size_t size);

#endif
