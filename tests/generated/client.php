<?php
// Plain PHP 8, as the original's documentation shows it: reading with streams, writing with cURL.
declare(strict_types=1);

[, $url, $key] = $argv;
$address = "$url/api/application";

function check(bool $holds, mixed $told): void
{
    if (!$holds) {
        fwrite(STDERR, print_r($told, true) . (new Exception())->getTraceAsString() . "\n");
        exit(1);
    }
}

/** Reads by a stream: the status, the headers by their lower-case names, and the body. */
function read(string $path, array $query = []): array
{
    global $address, $key;
    $context = stream_context_create(['http' => [
        'header' => ["Authorization: Bearer $key", 'Accept: application/json'],
        'ignore_errors' => true,
    ]]);
    $text = file_get_contents("$address$path?" . http_build_query($query), false, $context);
    preg_match('~^HTTP/\S+ (\d+)~', $http_response_header[0], $status);
    $headers = [];
    foreach (array_slice($http_response_header, 1) as $line) {
        [$name, $value] = explode(': ', $line, 2);
        $headers[strtolower($name)] = $value;
    }
    return [(int) $status[1], json_decode($text, true), $headers];
}

/** Writes by cURL: an array is sent as JSON, or as a form where it holds a file. */
function write(string $method, string $path, array $body = []): array
{
    global $address, $key;
    $has_file = (bool) array_filter($body, fn ($value) => $value instanceof CURLFile);
    $curl = curl_init("$address$path");
    curl_setopt_array($curl, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_POSTFIELDS => $has_file ? $body : json_encode((object) $body),
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", 'Accept: application/json', ...($has_file ? [] : ['Content-Type: application/json'])],
        CURLOPT_RETURNTRANSFER => true,
    ]);
    $text = curl_exec($curl);
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), json_decode($text, true)];
}

[$status, $page] = read('/products', ['per_page' => 2, 'page' => 2]);
check($status === 200 && [$page['current_page'], $page['per_page'], count($page['data'])] === [2, 2, 2], $page);

[$status, $page] = read('/products', ['filter' => ['status' => 'hidden'], 'include' => 'pricing,group']);
check($status === 200 && count($page['data']) > 0, $page);
foreach ($page['data'] as $product) {
    check($product['status'] === 'hidden' && is_array($product['pricing']) && $product['group']['name'] !== '', $product);
}

[$status, $page] = read('/products', ['sort' => 'group_id,-id', 'per_page' => 100]);
$keys = array_map(fn ($product) => [$product['group_id'], -$product['id']], $page['data']);
$sorted = $keys;
sort($sorted);
check($status === 200 && count($keys) > 3 && $keys === $sorted, $keys);

[$status, $made] = write('POST', '/products', [
    'name' => 'Lanterne PHP', 'description' => '<p>Neuf</p>', 'status' => 'active', 'group_id' => 2, 'stock' => -1, 'type' => 'none',
    'pricing' => ['monthly' => ['price' => 1.5, 'setup' => 0]],
]);
check($status === 201, $made);

[$status, $changed] = write('PUT', "/products/{$made['id']}", ['stock' => 7]);
check($status === 200 && $changed['stock'] === 7, $changed);

$picture = tempnam(sys_get_temp_dir(), 'picture');
file_put_contents($picture, base64_decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='));
[$status, $uploaded] = write('POST', "/products/{$made['id']}", ['image' => new CURLFile($picture, 'image/png', 'picture.png')]);
unlink($picture);
check($status === 200 && is_string($uploaded['image']), $uploaded);

[$status, $missing] = read('/customers/999999');
check($status === 404 && $missing['message'] !== '', $missing);

$group = ['name' => 'Zone', 'slug' => 'zone-php', 'status' => 'active', 'description' => 'x', 'sort_order' => 1];
check(write('POST', '/groups', $group)[0] === 201, $group);
[$status, $refused] = write('POST', '/groups', $group);
check($status === 422 && $refused['errors']['slug'][0] !== '', $refused);

check(write('DELETE', "/products/{$made['id']}")[0] === 200, $made);

for ($count = 0; $count < 1000 && $status !== 429; $count++) {
    [$status, , $headers] = read('/departments');
}
$seconds = (int) ($headers['retry-after'] ?? 0);
check($status === 429 && $seconds > 0 && $seconds <= 60, $headers);
sleep($seconds);
check(read('/departments')[0] === 200, 'the limit is over');
