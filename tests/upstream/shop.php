<?php
// A stand-in for the shop's own server, run by PHP's own web server (`php -S`).
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (str_ends_with($path, '/slow')) {
    sleep(2);
}
if (str_ends_with($path, '/pieces')) {
    while (ob_get_level() > 0) {
        ob_end_flush();
    }
    for ($piece = 0; $piece < 5; $piece++) {
        echo str_repeat((string) $piece, 1000);
        flush();
        usleep(100000);
    }
    return;
}
header('Content-Type: application/json');
$input = fopen('php://input', 'r');
$hash = hash_init('sha256');
$length = hash_update_stream($hash, $input);
echo json_encode([
    'method' => $_SERVER['REQUEST_METHOD'],
    'target' => $_SERVER['REQUEST_URI'],
    'length' => $length,
    'sha256' => hash_final($hash),
    'headers' => getallheaders(),
]);
