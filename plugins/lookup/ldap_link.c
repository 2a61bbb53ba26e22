/* ldap_link.c - connecting, StartTLS, binding and waiting.
 *
 * A password appears in no text.  Certificates are verified unless the
 * configuration says otherwise, also against what the system's own ldap.conf
 * says, which is not read (see start() in ldap.c). */
#include "ldap_link.h"

#include "../guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openldap.h>
#include <poll.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX (4 * 1024 * 1024)
#define WAIT_SLICE_MS 250	/* a request that did not fit into the socket is gone on with no later */

int64_t ldap_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- servers ---- */

static bool put_server(struct ldap_server *s, const char *scheme, const char *host, int port)
{
	bool v6 = strchr(host, ':') != NULL;
	s->ldaps = strcmp(scheme, "ldaps") == 0;
	s->local = strcmp(scheme, "ldapi") == 0;
	if (port <= 0)
		port = s->ldaps ? LDAPS_PORT : LDAP_PORT;
	if (s->local) {
		s->endpoint = strdup(host[0] ? host : "/var/run/slapd/ldapi");
		return s->endpoint[0] == '/' && asprintf(&s->url, "ldapi://%s", s->endpoint) > 0;
	}
	return host[0] && port <= 65535 && asprintf(&s->endpoint, v6 ? "[%s]:%d" : "%s:%d", host, port) > 0
		&& asprintf(&s->url, "%s://%s", scheme, s->endpoint) > 0;
}

static bool put_url(const struct ldap_options *o, const char *text, struct ldap_server *s)
{
	LDAPURLDesc *u = NULL;
	bool good = ldap_url_parse(text, &u) == LDAP_URL_SUCCESS && (!u->lud_dn || !u->lud_dn[0]) && !u->lud_filter && !u->lud_attrs;
	const char *host = strstr(text, "://") + 3, *behind = host[0] == '[' ? strchr(host, ']') : host;
	bool explicit_port = behind && strchr(behind, ':');
	good = good && put_server(s, u->lud_scheme, u->lud_host ? u->lud_host : "", explicit_port || o->port == 0 ? u->lud_port : (int)o->port);
	if (u)
		ldap_free_urldesc(u);
	return good;
}

/* "host", "host:port", "[v6]", "[v6]:port", "v6" */
static bool put_plain(const struct ldap_options *o, const char *text, struct ldap_server *s)
{
	char host[256];
	const char *colon = strrchr(text, ':'), *begin = text;
	size_t size = strlen(text);
	long port = o->port;
	char *end = NULL;
	if (text[0] == '[') {
		size = strcspn(text, "]");
		if (!text[size] || (text[size + 1] && text[size + 1] != ':'))
			return false;
		colon = text[size + 1] ? text + size + 1 : NULL;
		begin++;
		size--;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL;	/* an IPv6 address without brackets */
	} else if (colon) {
		size = (size_t)(colon - text);
	}
	if (colon && ((port = strtol(colon + 1, &end, 10)) <= 0 || *end))
		return false;
	if (size >= sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)size, begin);
	return put_server(s, o->scheme, host, (int)port);
}

char *ldap_servers_parse(const struct ldap_options *o, struct ldap_servers *out)
{
	char *fault = NULL;
	*out = (struct ldap_servers){ calloc(o->hostname.count + 1, sizeof *out->v), 0 };
	for (size_t i = 0; i < o->hostname.count && !fault; i++) {
		const char *text = o->hostname.v[i];
		bool good = strstr(text, "://") ? put_url(o, text, &out->v[i]) : put_plain(o, text, &out->v[i]);
		out->count++;
		if (!good && asprintf(&fault, "hostname: \"%s\" is no server; expected \"host\", \"host:port\", \"ldap://host\", \"ldaps://host\" or \"ldapi://%%2frun%%2fslapd%%2fldapi\"", text) < 0)
			abort();
	}
	if (!fault && out->count == 0)
		fault = strdup("hostname: is empty; expected at least one server");
	return fault;
}

void ldap_servers_free(struct ldap_servers *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->v[i].url);
		free(s->v[i].endpoint);
	}
	free(s->v);
	*s = (struct ldap_servers){ NULL, 0 };
}

/* ---- what went wrong ---- */

bool ldap_link_is_gone(int rc)
{
	return rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR || rc == LDAP_TIMEOUT || rc == LDAP_UNAVAILABLE || rc == LDAP_BUSY || rc == LDAP_USER_CANCELLED;
}

bool ldap_link_is_unwanted(struct postern_call *call)
{
	return postern_wait(call, -1, 0, 0) < 0;
}

static enum postern_result result_of(int rc)
{
	switch (rc) {
	case LDAP_SERVER_DOWN: case LDAP_TIMEOUT: case LDAP_UNAVAILABLE: case LDAP_BUSY: case LDAP_TIMELIMIT_EXCEEDED: case LDAP_CONNECT_ERROR:
	case LDAP_ADMINLIMIT_EXCEEDED: case LDAP_OTHER: case LDAP_OPERATIONS_ERROR: case LDAP_UNWILLING_TO_PERFORM: case LDAP_NO_MEMORY:
	case LDAP_USER_CANCELLED:
		return POSTERN_TEMPFAIL;
	case LDAP_SIZELIMIT_EXCEEDED:
		return POSTERN_LIMIT;
	default:
		return POSTERN_BROKEN;
	}
}

static const char *advice(int rc)
{
	switch (rc) {
	case LDAP_INVALID_CREDENTIALS: return "; check bind_dn and bind_password";
	case LDAP_INAPPROPRIATE_AUTH: case LDAP_AUTH_METHOD_NOT_SUPPORTED: return "; check bind_dn, sasl and sasl_mech";
	case LDAP_INSUFFICIENT_ACCESS: return "; the directory must let this identity search there";
	case LDAP_CONFIDENTIALITY_REQUIRED: case LDAP_STRONG_AUTH_REQUIRED: return "; the directory wants encryption: tls = true or an ldaps:// hostname";
	case LDAP_NO_SUCH_OBJECT: return "; check base";
	case LDAP_INVALID_DN_SYNTAX: return "; check bind_dn and base";
	case LDAP_FILTER_ERROR: return "; check query_filter";
	case LDAP_SIZELIMIT_EXCEEDED: return "; more entries match than size_limit or the directory allows: check query_filter and base";
	case LDAP_REFERRAL: return "; another server holds it, and referrals are not followed: name that server in hostname";
	default: return "";
	}
}

/* libldap's own codes as people know the things. */
static const char *code_text(int rc)
{
	return rc == LDAP_TIMEOUT ? "time over" : rc == LDAP_SERVER_DOWN ? "the connection was closed" : rc == LDAP_USER_CANCELLED ? "cancelled"
		: ldap_err2string(rc);
}

enum postern_result ldap_link_fail(struct postern_call *call, const struct ldap_link *l, const char *url, const char *doing, int rc)
{
	char *more = NULL;
	if (l->ld)
		ldap_get_option(l->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	postern_fail(call, result_of(rc), "%s: %s: %s (%d)%s%.200s%s", url, doing, code_text(rc), rc,
		more && more[0] ? ": " : "", more ? more : "", advice(rc));
	ldap_memfree(more);
	return result_of(rc);
}

/* ---- waiting ---- */

static int left_ms(struct postern_call *call, int64_t until_ms)
{
	int64_t left = until_ms - ldap_now_ms(), mail = postern_time_left_ms(call);
	if (left > mail)
		left = mail;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Bytes in libldap's own buffers count too: so it is asked first, and the socket only when it has nothing. */
int ldap_link_wait(struct postern_call *call, struct ldap_link *l, int msgid, int64_t until_ms, LDAPMessage **out, int *rc)
{
	for (;;) {
		struct timeval now = { 0, 0 };
		int type = ldap_result(l->ld, msgid, LDAP_MSG_ONE, &now, out), left = left_ms(call, until_ms);
		*rc = LDAP_SUCCESS;
		if (type > 0)
			return type;
		if (type < 0) {
			ldap_get_option(l->ld, LDAP_OPT_RESULT_CODE, rc);
			if (*rc == LDAP_SUCCESS)
				*rc = LDAP_SERVER_DOWN;
			return -1;
		}
		*rc = LDAP_TIMEOUT;
		if (left == 0)
			return -1;
		if (postern_wait(call, l->fd, POLLIN, left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS) < 0) {
			*rc = errno == ECANCELED ? LDAP_USER_CANCELLED : LDAP_SERVER_DOWN;
			return -1;
		}
	}
}

/* The result of an operation that has only one: an LDAP code. */
static int wait_result(struct postern_call *call, struct ldap_link *l, int msgid, int64_t until_ms)
{
	LDAPMessage *m = NULL;
	int rc = LDAP_SUCCESS, code = LDAP_OTHER;
	if (ldap_link_wait(call, l, msgid, until_ms, &m, &rc) < 0)
		return rc;
	rc = ldap_parse_result(l->ld, m, &code, NULL, NULL, NULL, NULL, 1);
	return rc == LDAP_SUCCESS ? code : rc;
}

/* ---- TLS ---- */

static int verify_level(const struct ldap_options *o)
{
	return strcmp(o->verify, "none") == 0 ? LDAP_OPT_X_TLS_NEVER : strcmp(o->verify, "optional") == 0 ? LDAP_OPT_X_TLS_TRY : LDAP_OPT_X_TLS_DEMAND;
}

/* What the system trusts, where it is kept. */
static const char *system_bundle(void)
{
	static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem" };
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (access(files[i], R_OK) == 0)
			return files[i];
	return NULL;
}

static const char *const no_tls = "TLS cannot be set up: check cafile, capath, clientcert and clientkey (can they be read?)";

static bool set_tls(LDAP *ld, const struct ldap_options *o)
{
	int level = verify_level(o), client = 0;
	int least = strcmp(o->sslversion, "tlsv1_3") == 0 ? LDAP_OPT_X_TLS_PROTOCOL_TLS1_3 : LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	const char *bundle = o->cafile ? o->cafile : o->capath ? NULL : system_bundle();
	bool good = ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &level) == 0 && ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) == 0;
	if (bundle)
		good = good && ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, bundle) == 0;
	if (o->capath)
		good = good && ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, o->capath) == 0;
	if (o->clientcert)
		good = good && ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE, o->clientcert) == 0;
	if (o->clientkey)
		good = good && ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE, o->clientkey) == 0;
	return good && ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == 0;
}

/* Some versions of libldap go on reading a handshake that comes byte by byte, and none knows of mails: a guard ends it. */
static enum postern_result shake_hands(struct postern_call *call, struct ldap_link *l, const char *url, int64_t until_ms)
{
	int left = left_ms(call, until_ms);
	struct timeval limit = { left / 1000, left % 1000 * 1000 };
	struct guard g;
	if (!guard_begin(&g, call, l->fd, left))
		return postern_fail(call, POSTERN_TEMPFAIL, "%s: TLS: no thread to watch the time: %s", url, strerror(errno));
	/* Only with both does libldap wait for the peer; else it runs in a circle until the peer says something. */
	ldap_set_option(l->ld, LDAP_OPT_NETWORK_TIMEOUT, &limit);
	ldap_set_option(l->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON);
	int rc = ldap_install_tls(l->ld);
	ldap_set_option(l->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_OFF);
	bool ended = guard_end(&g);
	fcntl(l->fd, F_SETFL, fcntl(l->fd, F_GETFL) | O_NONBLOCK);	/* libldap makes it blocking again */
	if (rc == LDAP_SUCCESS)
		return POSTERN_OK;
	if (ended || left_ms(call, until_ms) == 0)
		return ldap_link_fail(call, l, url, "TLS", ldap_link_is_unwanted(call) ? LDAP_USER_CANCELLED : LDAP_TIMEOUT);
	return ldap_link_fail(call, l, url, "TLS (is the certificate valid, made out to this host name, and by an authority that cafile holds?)", rc);
}

static enum postern_result secure(struct postern_call *call, const struct ldap_options *o, const struct ldap_server *s, int64_t until_ms, struct ldap_link *l)
{
	int msgid, rc;
	if (s->local || (!s->ldaps && !o->tls))
		return POSTERN_OK;
	if (!set_tls(l->ld, o))
		return postern_fail(call, POSTERN_BROKEN, "%s: %s", s->url, no_tls);
	if (!s->ldaps) {
		rc = ldap_start_tls(l->ld, NULL, NULL, &msgid);
		if (rc == LDAP_SUCCESS)
			rc = wait_result(call, l, msgid, until_ms);
		if (rc != LDAP_SUCCESS)
			return ldap_link_fail(call, l, s->url, "StartTLS", rc);
	}
	return shake_hands(call, l, s->url, until_ms);
}

/* ---- bind ---- */

static int answer_sasl(LDAP *ld, unsigned flags, void *context, void *wanted)
{
	const struct ldap_options *o = context;
	(void)ld;
	(void)flags;
	for (sasl_interact_t *w = wanted; w->id != SASL_CB_LIST_END; w++) {
		const char *text = w->id == SASL_CB_AUTHNAME ? o->sasl_auth_id : w->id == SASL_CB_PASS ? o->bind_password : "";
		w->result = text ? text : "";
		w->len = (unsigned)strlen(w->result);
	}
	return LDAP_SUCCESS;
}

/* EXTERNAL says nothing but perhaps whom to act as; it needs no library. */
static int bind_external(struct postern_call *call, const struct ldap_options *o, int64_t until_ms, struct ldap_link *l)
{
	struct berval who = { o->sasl_auth_id ? strlen(o->sasl_auth_id) : 0, (char *)(uintptr_t)(o->sasl_auth_id ? o->sasl_auth_id : "") };
	int msgid, rc = ldap_sasl_bind(l->ld, NULL, "EXTERNAL", &who, NULL, NULL, &msgid);
	return rc == LDAP_SUCCESS ? wait_result(call, l, msgid, until_ms) : rc;
}

static int bind_sasl(struct postern_call *call, const struct ldap_options *o, int64_t until_ms, struct ldap_link *l)
{
	LDAPMessage *m = NULL;
	const char *step = NULL;
	int msgid, rc;
	do {
		rc = ldap_sasl_interactive_bind(l->ld, o->bind_dn, o->sasl_mech, NULL, NULL, LDAP_SASL_QUIET, answer_sasl, (void *)(uintptr_t)o, m, &step, &msgid);
		ldap_msgfree(m);
		m = NULL;
		if (rc == LDAP_SASL_BIND_IN_PROGRESS && ldap_link_wait(call, l, msgid, until_ms, &m, &rc) < 0)
			return rc;
	} while (rc == LDAP_SASL_BIND_IN_PROGRESS || m);
	return rc;
}

static int bind_simple(struct postern_call *call, const struct ldap_options *o, int64_t until_ms, struct ldap_link *l)
{
	const char *password = o->bind_password ? o->bind_password : "";
	struct berval secret = { strlen(password), (char *)(uintptr_t)password };
	int msgid, rc = ldap_sasl_bind(l->ld, o->bind_dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &msgid);
	return rc == LDAP_SUCCESS ? wait_result(call, l, msgid, until_ms) : rc;
}

static enum postern_result identify(struct postern_call *call, const struct ldap_options *o, const struct ldap_server *s, int64_t until_ms, struct ldap_link *l)
{
	int rc = LDAP_SUCCESS;
	const char *as = o->sasl ? o->sasl_mech : o->bind_dn;
	if (o->sasl)
		rc = strcasecmp(o->sasl_mech, "EXTERNAL") == 0 ? bind_external(call, o, until_ms, l) : bind_sasl(call, o, until_ms, l);
	else if (o->bind_dn)
		rc = bind_simple(call, o, until_ms, l);
	if (rc == LDAP_SUCCESS)
		return POSTERN_OK;
	return ldap_link_fail(call, l, s->url, postern_printf(call, "bind as %s", as), rc);
}

/* ---- opening ---- */

static bool set_options(LDAP *ld, const struct ldap_options *o)
{
	int version = (int)o->version, deref = strcmp(o->deref, "never") == 0 ? LDAP_DEREF_NEVER : strcmp(o->deref, "search") == 0 ? LDAP_DEREF_SEARCHING
		: strcmp(o->deref, "always") == 0 ? LDAP_DEREF_ALWAYS : LDAP_DEREF_FINDING;
	ber_len_t largest = MESSAGE_BYTES_MAX;
	Sockbuf *sb = NULL;
	return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == 0 && ldap_set_option(ld, LDAP_OPT_DEREF, &deref) == 0
		&& ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == 0 && ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == 0
		&& ldap_set_option(ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) == 0 && ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) == 0
		&& ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &largest) == 1;
}

static enum postern_result connect_to(struct postern_call *call, const struct ldap_options *o, const struct ldap_server *s, int64_t until_ms, struct ldap_link *l)
{
	int left = left_ms(call, until_ms);
	const char *from = o->localaddr ? o->localaddr : o->inet6 || s->local ? NULL : "0.0.0.0";
	l->fd = left > 0 ? postern_connect(call, s->endpoint, from, left) : -1;
	if (l->fd < 0)
		return left > 0 ? POSTERN_TEMPFAIL : postern_fail(call, POSTERN_TEMPFAIL, "%s: time over", s->url);
	/* A path is no host: what libldap is told of a unix socket only names it. */
	if (ldap_init_fd(l->fd, s->local ? LDAP_PROTO_IPC : LDAP_PROTO_TCP, s->local ? "ldapi:///" : s->url, &l->ld) != LDAP_SUCCESS) {
		close(l->fd);
		l->ld = NULL;
		return postern_fail(call, POSTERN_BROKEN, "%s: libldap does not take the connection", s->url);
	}
	return set_options(l->ld, o) ? POSTERN_OK : postern_fail(call, POSTERN_BROKEN, "%s: libldap does not take its options", s->url);
}

enum postern_result ldap_link_open(struct postern_call *call, const struct ldap_options *o, const struct ldap_servers *all, size_t server,
	int64_t until_ms, struct ldap_link *l)
{
	const struct ldap_server *s = &all->v[server];
	enum postern_result r;
	*l = (struct ldap_link){ .fd = -1, .server = server };
	r = connect_to(call, o, s, until_ms, l);
	if (r == POSTERN_OK)
		r = secure(call, o, s, until_ms, l);
	if (r == POSTERN_OK)
		r = identify(call, o, s, until_ms, l);
	if (r != POSTERN_OK)
		ldap_link_close(l);
	return r;
}

/* Shut first: what libldap says for good-bye may not block. */
void ldap_link_close(struct ldap_link *l)
{
	if (!l->ld)
		return;
	shutdown(l->fd, SHUT_RDWR);
	ldap_unbind_ext(l->ld, NULL, NULL);
	*l = (struct ldap_link){ .fd = -1 };
}
