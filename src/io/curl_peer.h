/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl_peer: a libcurl handle and the server at its other end, with what is
 * demanded of each of them: TLS 1.2 or newer, the name in the SAN, no proxy,
 * an end to every wait. For http_client, imap_client and mail_client, which
 * alone include it.
 */
#pragma once

#include <stdbool.h>

#include <curl/curl.h>

struct addr;
struct crypto_secret;

#define CURL_HOST_CAP 256
#define CURL_SCHEME_CAP 16

struct curl_peer {
	/* Set by the owner, and borrowed. */
	const char *ca_file; /* trust only these (PEM); NULL: the system's */
	int timeout_ms;
	bool (*allow_addr)(const struct addr *a); /* NULL: all */
	bool (*stop)(void *ctx);		  /* NULL: never */
	void *stop_ctx;

	CURL *curl;
	char scheme[CURL_SCHEME_CAP]; /* of the URL taken, in lower case */
	char host[CURL_HOST_CAP];     /* an IPv6 address without brackets */
	bool bare; /* the URL has nothing but scheme, host and port */
	char text[CURL_ERROR_SIZE]; /* curl's own words */
};

/* Makes the handle. */
void curl_peer_init(struct curl_peer *p);
void curl_peer_fini(struct curl_peer *p);

/* Fills scheme, host and bare, without a handle too; false: not a URL. */
bool curl_peer_take_url(struct curl_peer *p, const char *url);

/* Sets what is demanded on a new or reset handle, which may speak these
 * protocols ("imap,imaps"). */
void curl_peer_demand(struct curl_peer *p, const char *protocols);

/* Whom to log in as. */
void curl_peer_log_in(struct curl_peer *p, const char *user,
	const struct crypto_secret *password);

CURLcode curl_peer_perform(struct curl_peer *p);

/* Why it failed with code; borrowed until the next perform. */
const char *curl_peer_reason(const struct curl_peer *p, CURLcode code);

/* list (NULL: none) with one more line; never NULL. */
struct curl_slist *curl_peer_list(struct curl_slist *list, const char *line);
