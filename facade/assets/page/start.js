// Shows the address under which this page was reached in the curl example: a proxy may have hidden it from the server.
document.getElementById("origin").textContent = location.origin;
