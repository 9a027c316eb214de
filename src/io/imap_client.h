/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_client: a session with an IMAP server, waited for. For back roles; never
 * in a front role. TLS always, from the first byte or by STARTTLS, with a
 * certificate that names the server in its SAN. libcurl connects, starts TLS
 * and logs in; what comes after is read by proto/imap.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/imap.h"

struct addr;
struct crypto_secret;
struct imap_client;

struct imap_client_options {
	const char *url;     /* "imaps://HOST:PORT", "imap://..." (STARTTLS) */
	const char *ca_file; /* trust only these (PEM); NULL: the system's */
	const char *user;
	const struct crypto_secret *password;
	int timeout_ms; /* for logging in, and for each answer */
	int session_ms; /* for all of it */
	/* Asked for every address about to be connected to; NULL: all. */
	bool (*allow_addr)(const struct addr *a);
	/* Asked about once a second; true gives up with ST_TEMP. */
	bool (*stop)(void *ctx);
	void *stop_ctx;
};

/* Is it a URL that imap_client_open takes? */
bool imap_client_is_url(const char *url);

/*
 * Connects and logs in; o is borrowed for as long as the client lives.
 * ST_INVALID: the URL. ST_PERM: the server does not let us in. ST_TEMP: all
 * else. err names the host, with the server's own words where it said any.
 */
enum status imap_client_open(const struct imap_client_options *o,
	struct imap_client **out, struct err *e);

/* Says LOGOUT, waits for no answer. Clears *c; NULL is allowed. */
void imap_client_close(struct imap_client **c);

/* An untagged response to a command, borrowed. Not ST_OK: the session is of no
 * more use. */
typedef enum status imap_client_fn(
	void *ctx, const struct imap_response *r, struct err *e);

/*
 * Sends a command ("NOOP") and waits for its end; each response meanwhile,
 * which may have max bytes, goes to on (may be NULL). ST_PERM: the server said
 * NO or BAD, with words of its own in err. ST_TEMP: connection or time;
 * ST_LIMIT, ST_INVALID: what it answers is too long or no IMAP; what on gave.
 * After these the session is of no more use.
 */
enum status imap_client_do(struct imap_client *c, struct str command,
	size_t max, imap_client_fn *on, void *ctx, struct err *e);

/* Did it announce a capability, such as "MOVE"? */
bool imap_client_can(const struct imap_client *c, struct str capability);
