/* SPDX-License-Identifier: Apache-2.0 */
/* notify_socket: what systemd is told (sd_notify(3)); nothing without it. */
#pragma once

void notify_socket_ready(void);
void notify_socket_stopping(void);
