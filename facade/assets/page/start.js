// Shows the address under which this page was reached in the curl example.
document.getElementById("origin").textContent = location.origin;
