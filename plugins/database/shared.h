/* shared.h - what database plugins share: waiting for a library's own socket, the state of an instance, how a server is reached, and when
 * it is asked a second time. */
#ifndef POSTERN_DATABASE_SHARED_H
#define POSTERN_DATABASE_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <postern/plugin.h>

int64_t waiting_now_ms(void);		/* CLOCK_MONOTONIC */
/* As postern_wait(), but not beyond until_ms (0: no limit of its own).  timeout_ms < 0: as long as both allow.
 * *patience: whether there would have been more time than timeout_ms when nothing came in it. */
int waiting_wait(struct postern_call *call, int64_t until_ms, int fd, short events, int timeout_ms, bool *patience);

/* Zeroed, as postern_state(): for start(). */
enum postern_result state_make(struct postern_instance *instance, size_t size, struct postern_error *e);
/* What stop() has to free; NULL: start() has not come so far. */
void *state_take(struct postern_instance *instance);

struct server_options {
	const char *server;
	int64_t port;
	const char *socket;
	const char *database, *user, *password;
	const char *tls, *ca, *cert, *key;
	int64_t connect_timeout_ms;
};
/* "host:port", "[v6]:port" or the socket. */
const char *server_place(struct postern_call *call, const struct server_options *o, bool over_socket, const char *socket, int port);
/* Resolves the server and tries its addresses in turn, all together within connect_timeout; each has an equal share of the time that is
 * left, as *until_ms while it is tried (0 at the end).  What the last try came to, or postern_fail's text is set. */
enum postern_result server_connect(struct postern_call *call, const struct server_options *o, int64_t *until_ms,
	enum postern_result (*connect_to)(struct postern_call *call, const char *address));

/* --- execute.c: servers only --- */

/* One try of one statement. */
struct try {
	bool executed;			/* it has begun, so that it may be done */
	bool told;			/* something was handed on already */
	bool lost;			/* the connection is gone */
	bool had_left;			/* the server had taken its leave before the statement came */
	bool stale;			/* the statement has to be prepared anew, which says nothing about the connection */
};
struct server_ops {
	bool (*in_transaction)(const void *state);
	bool (*is_alive)(const void *state);	/* the connection, before anything is said on it */
	void (*disconnect)(void *state);
	enum postern_result (*try_once)(struct postern_call *call, const char *text, const struct postern_parameter *parameters, size_t count,
		struct try *t);				/* connects where it has to; *t is zeroed */
};
/* One statement, tried again on a new connection where the server has gone away under it and it cannot have been done.  Not within a
 * transaction: what was begun there is lost, and nobody shall go on with it elsewhere. */
enum postern_result server_execute(struct postern_call *call, const struct server_ops *ops, const char *text,
	const struct postern_parameter *parameters, size_t count);

#define SERVER_OPTION(member) .offset = offsetof(struct server_options, member)
/* The rows of an option table that are the same for every server. */
#define SERVER_OPTIONS \
	{ .name = "database", .type = POSTERN_STRING, SERVER_OPTION(database), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL, .doc = "The database." }, \
	{ .name = "user", .type = POSTERN_STRING, SERVER_OPTION(user), .doc = "Who we are; the name of our own user where it is not given." }, \
	{ .name = "password", .type = POSTERN_STRING, SERVER_OPTION(password), .flags = POSTERN_SECRET, .doc = "The password." }, \
	{ .name = "tls", .type = POSTERN_ENUM, SERVER_OPTION(tls), .value = "off", .choices = "off|on|unverified", \
	  .doc = "on: only encrypted, and only to a server whose certificate bears its name; unverified: encrypted, to whoever answers." }, \
	{ .name = "cert", .type = POSTERN_FILE, SERVER_OPTION(cert), .doc = "Our own certificate, where the server wants one." }, \
	{ .name = "key", .type = POSTERN_FILE, SERVER_OPTION(key), .doc = "Its key." }, \
	{ .name = "connect_timeout", .type = POSTERN_DURATION, SERVER_OPTION(connect_timeout_ms), .value = "5s", .min = 100, .max = 600000, \
	  .doc = "How long a connection, with login, may take." }

#endif
