/* SPDX-License-Identifier: Apache-2.0 */
/* mail_client: libcurl's SMTP, with TLS required. */
#include <string.h>

#include "io/mail_client.h"

#include "io/curl_peer.h"

#include "base/poison.h"

#define REPLY_CAP 400

struct delivery {
	struct curl_peer peer;
	struct str rest;       /* of the message */
	char reply[REPLY_CAP]; /* the server's first refusal */
};

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
	struct delivery *d = ctx;
	size_t take = size * n < d->rest.n ? size * n : d->rest.n;

	memcpy(p, d->rest.p, take);
	d->rest = str_from(d->rest, take);
	return take;
}

/* What SMTP servers answer comes as headers; the first refusal counts. */
static size_t on_reply(char *p, size_t size, size_t n, void *ctx)
{
	struct str line = { p, size * n };
	struct delivery *d = ctx;

	if (d->reply[0] != '\0' || line.n == 0 ||
		(line.p[0] != '4' && line.p[0] != '5'))
		return size * n;
	line = str_upto(line, sizeof(d->reply) - 1);
	while (line.n > 0 && line.p[line.n - 1] < ' ')
		line.n--;
	memcpy(d->reply, line.p, line.n);
	d->reply[line.n] = '\0';
	return size * n;
}

static enum status take_url(struct delivery *d, const char *url, struct err *e)
{
	struct curl_peer *p = &d->peer;

	if (!curl_peer_take_url(p, url) ||
		(strcmp(p->scheme, "smtp") != 0 &&
			strcmp(p->scheme, "smtps") != 0))
		return err_set(e, ST_INVALID,
			"not smtp://HOST:PORT or smtps://HOST:PORT: %.200s",
			url);
	return ST_OK;
}

static void set_options(struct delivery *d, const struct mail_client_options *o)
{
	CURL *h = d->peer.curl;

	curl_peer_demand(&d->peer, "smtp,smtps");
	(void)curl_easy_setopt(h, CURLOPT_URL, o->url);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_reply);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, d);
	(void)curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
	(void)curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
	(void)curl_easy_setopt(h, CURLOPT_READDATA, d);
	(void)curl_easy_setopt(
		h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)d->rest.n);
	if (o->user != NULL && o->password != NULL)
		curl_peer_log_in(&d->peer, o->user, o->password);
}

/* A TLS or network fault is curl's to tell, a refusal the server's. */
static enum status failed(
	const struct delivery *d, CURLcode code, struct err *e)
{
	const char *host = d->peer.host;

	if (d->reply[0] != '\0')
		return err_set(e, d->reply[0] == '5' ? ST_PERM : ST_TEMP,
			"%s said: %s", host, d->reply);
	return err_set(
		e, ST_TEMP, "%s: %s", host, curl_peer_reason(&d->peer, code));
}

enum status mail_client_send(const struct mail_client_options *o,
	const char *from, const char *const *to, struct str message,
	struct err *e)
{
	struct delivery d = { .rest = message,
		.peer = { .ca_file = o->ca_file,
			.timeout_ms = o->timeout_ms,
			.stop = o->stop,
			.stop_ctx = o->stop_ctx } };
	struct curl_slist *rcpt = NULL;
	enum status st = take_url(&d, o->url, e);
	CURLcode code;

	if (st != ST_OK)
		return st;
	for (; *to != NULL; to++)
		rcpt = curl_peer_list(rcpt, *to);
	curl_peer_init(&d.peer);
	set_options(&d, o);
	(void)curl_easy_setopt(d.peer.curl, CURLOPT_MAIL_FROM, from);
	(void)curl_easy_setopt(d.peer.curl, CURLOPT_MAIL_RCPT, rcpt);
	code = curl_peer_perform(&d.peer);
	if (code != CURLE_OK)
		st = failed(&d, code, e);
	curl_peer_fini(&d.peer);
	curl_slist_free_all(rcpt);
	return st;
}
