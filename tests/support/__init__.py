"""What tests share: real servers, and a way to wait for conditions."""
