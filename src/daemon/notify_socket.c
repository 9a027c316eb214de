/* SPDX-License-Identifier: Apache-2.0 */
#include <systemd/sd-daemon.h>

#include "daemon/notify_socket.h"

#include "base/poison.h"

void notify_socket_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void notify_socket_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}
