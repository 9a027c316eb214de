/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_client: one message handed to a submission server (RFC 6409), waited
 * for. For back roles; never in a front role. TLS always, by STARTTLS or from
 * the first byte, with a certificate that names the server in its SAN.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct crypto_secret;

struct mail_client_options {
	const char *url;     /* "smtp://HOST:PORT" (STARTTLS), "smtps://..." */
	const char *ca_file; /* trust only these (PEM); NULL: the system's */
	const char *user;    /* NULL: without log-in */
	const struct crypto_secret *password;
	int timeout_ms; /* for the whole delivery */
	/* Asked about once a second; true gives up with ST_TEMP. */
	bool (*stop)(void *ctx);
	void *stop_ctx;
};

/*
 * Sends message (RFC 5322, lines ended by CR LF) from and to addresses without
 * brackets; to is ended by NULL. ST_OK: the server has taken it for all of
 * them. ST_INVALID: the URL. ST_PERM: the server refused for good (5xx).
 * ST_TEMP: all else. err has the server's own words where it said any.
 */
enum status mail_client_send(const struct mail_client_options *o,
	const char *from, const char *const *to, struct str message,
	struct err *e);
