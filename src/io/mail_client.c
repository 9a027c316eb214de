/* SPDX-License-Identifier: Apache-2.0 */
/* mail_client: libcurl's SMTP, with TLS required. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "io/mail_client.h"

#include "base/bug.h"
#include "base/mem.h"
#include "io/crypto.h"
#include "io/tls_names.h"

#include "base/poison.h"

#define HOST_CAP 256
#define REPLY_CAP 400

struct delivery {
	const struct mail_client_options *o;
	char host[HOST_CAP];
	struct str rest;       /* of the message */
	char reply[REPLY_CAP]; /* the server's first refusal */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	BUG(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
}

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

static CURLcode on_ssl_ctx(CURL *curl, void *ssl_ctx, void *ctx)
{
	struct delivery *d = ctx;

	(void)curl;
	tls_names_require(ssl_ctx, d->host);
	return CURLE_OK;
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl,
	curl_off_t ul_total, curl_off_t ul)
{
	struct delivery *d = ctx;

	(void)dl_total;
	(void)dl;
	(void)ul_total;
	(void)ul;
	return d->o->stop != NULL && d->o->stop(d->o->stop_ctx);
}

static enum status take_url(struct delivery *d, struct err *e)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	enum status st = ST_OK;

	BUG(u == NULL);
	if (curl_url_set(u, CURLUPART_URL, d->o->url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		strlen(host) >= sizeof(d->host) ||
		(strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0))
		st = err_set(e, ST_INVALID,
			"not smtp://HOST:PORT or smtps://HOST:PORT: %.200s",
			d->o->url);
	else
		memcpy(d->host, host, strlen(host) + 1);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return st;
}

static void set_login(CURL *h, const struct mail_client_options *o)
{
	struct str secret;
	char *password;

	if (o->user == NULL || o->password == NULL)
		return;
	secret = crypto_secret_bytes(o->password);
	password = mem_must(secret.n + 1);
	memcpy(password, secret.p, secret.n);
	(void)curl_easy_setopt(h, CURLOPT_USERNAME, o->user);
	(void)curl_easy_setopt(h, CURLOPT_PASSWORD, password);
	mem_wipe(password, secret.n);
	mem_free(password);
}

static void set_options(CURL *h, struct delivery *d)
{
	const struct mail_client_options *o = d->o;

	(void)curl_easy_setopt(h, CURLOPT_URL, o->url);
	(void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	(void)curl_easy_setopt(h, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(h, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	(void)curl_easy_setopt(
		h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, d);
	if (o->ca_file != NULL) {
		(void)curl_easy_setopt(h, CURLOPT_CAINFO, o->ca_file);
		(void)curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
	(void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	(void)curl_easy_setopt(
		h, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFODATA, d);
	(void)curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_reply);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, d);
	(void)curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
	(void)curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
	(void)curl_easy_setopt(h, CURLOPT_READDATA, d);
	(void)curl_easy_setopt(
		h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)d->rest.n);
	set_login(h, o);
}

/* A TLS or network fault is curl's to tell, a refusal the server's. */
static enum status failed(const struct delivery *d, CURLcode code,
	const char *text, struct err *e)
{
	if (d->reply[0] != '\0')
		return err_set(e, d->reply[0] == '5' ? ST_PERM : ST_TEMP,
			"%s said: %s", d->host, d->reply);
	return err_set(e, ST_TEMP, "%s: %s", d->host,
		text[0] != '\0' ? text : curl_easy_strerror(code));
}

enum status mail_client_send(const struct mail_client_options *o,
	const char *from, const char *const *to, struct str message,
	struct err *e)
{
	struct delivery d = { .o = o, .rest = message };
	struct curl_slist *rcpt = NULL, *more;
	char text[CURL_ERROR_SIZE] = "";
	enum status st;
	CURLcode code;
	CURL *h;

	(void)pthread_once(&once, init_curl);
	st = take_url(&d, e);
	if (st != ST_OK)
		return st;
	for (; *to != NULL; to++) {
		more = curl_slist_append(rcpt, *to);
		BUG(more == NULL);
		rcpt = more;
	}
	h = curl_easy_init();
	BUG(h == NULL);
	set_options(h, &d);
	(void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, text);
	(void)curl_easy_setopt(h, CURLOPT_MAIL_FROM, from);
	(void)curl_easy_setopt(h, CURLOPT_MAIL_RCPT, rcpt);
	code = curl_easy_perform(h);
	if (code != CURLE_OK)
		st = failed(&d, code, text, e);
	curl_easy_cleanup(h);
	curl_slist_free_all(rcpt);
	return st;
}
